import { type Availability, AvailabilityUnknown } from '../availability';
import { bsnNamespace, type RequestFingerprint } from '../persons';
import type { Clock } from '../platform';
import type { SignedIn, SignInOutcome } from '../sign-in';
import type { AuthorizationAudit } from './authorization.audit';
import type { InteractionAddress } from './interaction-handle';
import type { Interaction, InteractionStore, Left } from './interaction.store';
import { shownToOf } from './shown-interactions';

/** Where an interaction stands for the browser that asks. */
export type Stage =
  /** The person has not signed in (yet), or no longer is. */
  | { at: 'landing'; interaction: Interaction }
  /** The statement, for this person only. */
  | { at: 'statement'; interaction: Interaction }
  /** The page of exception 2 or 3. */
  | { at: 'refusal'; interaction: Interaction; exception: 'Abonneren 2' | 'Abonneren 3' }
  /** The person has answered yes. */
  | { at: 'answered' }
  /** Exception 5 and what RFC 6749 has beside it. */
  | { at: 'failure'; exception: 'Abonneren 5' | 'temporarily_unavailable' | 'server_error' }
  /** Nothing to do but to go back to the client as refused: the time is up, or the person said so before. */
  | { at: 'end' };

/** What one authorization request goes through between its beginning and its answer. */
export class Interactions {
  constructor(
    private readonly store: InteractionStore,
    private readonly availability: Availability,
    private readonly fingerprints: RequestFingerprint,
    private readonly audit: AuthorizationAudit,
    private readonly clock: Clock,
  ) {}

  /** Whether its time is up. */
  isExpired({ expiresAt }: InteractionAddress): boolean {
    return expiresAt <= this.clock.now();
  }

  /** `signedIn` is asked only while there is something left to sign in for. */
  async stageOf(address: InteractionAddress, signedIn: () => Promise<SignInOutcome | undefined>): Promise<Stage> {
    const interaction = await this.store.find(address.interactionId);
    if (!interaction) return { at: 'end' };
    const ended = endedStage(interaction);
    if (ended) return ended;
    if (this.isExpired(address)) return { at: 'end' };
    const outcome = await signedIn();
    if (!outcome) return { at: 'landing', interaction };
    switch (outcome.kind) {
      case 'failed':
        return this.refuse(address, 'Abonneren 2');
      case 'outage':
        return this.fail(address, 'Abonneren 5');
      case 'identified':
        return this.statementFor(address, interaction, outcome.person);
    }
  }

  /** Ends it with something that went wrong; the client is told if nothing else was said before. */
  async fail(address: InteractionAddress, exception: 'Abonneren 5' | 'temporarily_unavailable'): Promise<Stage> {
    if (await this.store.end(address.interactionId, 'failed', exception, this.clock.now())) {
      this.audit.end(address, 'failed', exception);
      return { at: 'failure', exception };
    }
    return this.stageAnew(address);
  }

  /** The browser goes back without a yes: a refusal, a no, a cancelling or an expiry, whichever it is. */
  async leave(address: InteractionAddress): Promise<Left> {
    const left = await this.store.leave(address.interactionId, this.clock.now());
    if (left.isNew) this.audit.end(address, left.outcome!, left.exception);
    if (!left.isDecided) this.audit.step(address, 'authorization.left');
    return left;
  }

  /** Tells persons of one interaction apart; without our key it tells nothing, and nothing across interactions. */
  fingerprintOf({ interactionId }: InteractionAddress, person: SignedIn): Buffer {
    return shownToOf(this.fingerprints, interactionId, person);
  }

  private async statementFor(address: InteractionAddress, interaction: Interaction, person: SignedIn): Promise<Stage> {
    const fingerprint = this.fingerprintOf(address, person);
    // Asked once for each person who signs in, not at every look at the page.
    if (interaction.shown_to?.equals(fingerprint)) return { at: 'statement', interaction };
    try {
      if (!(await this.isAvailable(interaction, person))) return await this.refuse(address, 'Abonneren 3');
    } catch (error) {
      if (!(error instanceof AvailabilityUnknown)) throw error;
      this.audit.failure(address, 'Abonneren 5', { message: error.message });
      return this.fail(address, 'Abonneren 5');
    }
    if (!(await this.store.show(address.interactionId, fingerprint, this.clock.now()))) return this.stageAnew(address);
    this.audit.step(address, 'authorization.person_asked');
    return { at: 'statement', interaction };
  }

  /** An ending is never refused, so nobody asks (domain.md 3, decided). */
  private async isAvailable({ days, provider, service_id: serviceId }: Interaction, person: SignedIn) {
    if (days === 0) return true;
    const { subject, issuer = bsnNamespace } = person;
    return this.availability.isAvailable({ subject, issuer, provider, serviceId });
  }

  private async refuse(address: InteractionAddress, exception: 'Abonneren 2' | 'Abonneren 3'): Promise<Stage> {
    if (await this.store.end(address.interactionId, 'refused', exception, this.clock.now())) {
      this.audit.end(address, 'refused', exception);
    }
    return this.stageAnew(address);
  }

  /** After a change that may have come too late: as it stands now, whoever did it. */
  private async stageAnew({ interactionId }: InteractionAddress): Promise<Stage> {
    const interaction = await this.store.find(interactionId);
    return (interaction && endedStage(interaction)) ?? { at: 'end' };
  }
}

/** Undefined while nothing has been decided. */
function endedStage(interaction: Interaction): Stage | undefined {
  const { outcome, exception, decided_at: decidedAt, left_at: leftAt } = interaction;
  if (outcome === 'failed') return { at: 'failure', exception: exception as 'Abonneren 5' };
  if (decidedAt !== null) return { at: 'answered' };
  if (outcome === null) return undefined;
  const isTold = exception === 'Abonneren 2' || exception === 'Abonneren 3';
  return isTold && leftAt === null ? { at: 'refusal', interaction, exception } : { at: 'end' };
}
