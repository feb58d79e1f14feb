import type { CommandBus } from '@nestjs/cqrs';
import type { Grants } from '../grants';
import type { PersonalSeal, PersonIdentities, RequestFingerprint } from '../persons';
import { type Clock, describeError, isOutage } from '../platform';
import { Refused } from '../refusals';
import type { SignedIn } from '../sign-in';
import { ConfirmedEndingOrder, ReapproveOrder } from '../subscriptions';
import type { AuthorizationAudit } from './authorization.audit';
import type { ClientAnswers } from './client-answers';
import type { InteractionAddress } from './interaction-handle';
import type { Interaction, InteractionStore } from './interaction.store';

/**
 * How long a repeated yes gets the same code: the second click of a double click is the one whose answer the browser follows.
 * Later it would only be presented twice, which revokes the token (domain.md 4).
 */
const repeatedWithinMs = 10_000;

/** What a yes leads to. */
export type Decided =
  /** The redirect with the code. */
  | { kind: 'granted'; location: string }
  | { kind: 'failed'; exception: 'Abonneren 5' | 'server_error' }
  /** The code went out before. */
  | { kind: 'answered' }
  /** This person was not asked, or was asked too long ago: back to where the interaction stands. */
  | { kind: 'not_asked' };

/** What carrying out a yes needs of other rooms. */
interface DecisionParts {
  commandBus: CommandBus;
  grants: Pick<Grants, 'issueCode'>;
  identities: PersonIdentities;
  fingerprints: RequestFingerprint;
  seal: PersonalSeal;
}

/**
 * Carries out the person's yes, once. The first statement decides; every step after it may be taken again, so that a second click
 * or a crash half-way leads to the same answer.
 */
export class Decisions {
  constructor(
    private readonly store: InteractionStore,
    private readonly parts: DecisionParts,
    private readonly answers: ClientAnswers,
    private readonly audit: AuthorizationAudit,
    private readonly clock: Clock,
  ) {}

  /** `shownTo`: the fingerprint of the person at the browser. @throws the database's error when it is away */
  async sayYes(address: InteractionAddress, person: SignedIn, shownTo: Buffer): Promise<Decided> {
    const decided = await this.store.decide(address.interactionId, shownTo, this.clock.now());
    if (decided) this.audit.step(address, 'authorization.person_agreed');
    const interaction = decided ?? (await this.store.find(address.interactionId));
    if (!interaction?.decided_at || !interaction.shown_to?.equals(shownTo)) return { kind: 'not_asked' };
    return this.answered(interaction) ?? (await this.carryOut(address, interaction, person));
  }

  private async carryOut(address: InteractionAddress, interaction: Interaction, person: SignedIn): Promise<Decided> {
    try {
      await this.order(interaction, person);
      let location = '';
      const isFirst = await this.store.grant(address.interactionId, this.clock.now(), async (queries) => {
        const code = await this.parts.grants.issueCode(consentOf(address, interaction, person), queries);
        location = this.answers.codeLocation(address, code);
        return this.parts.seal.seal(Buffer.from(location), address.interactionId);
      });
      if (isFirst) {
        this.audit.end(address, 'granted', null);
        return { kind: 'granted', location };
      }
    } catch (error) {
      return this.fail(address, error);
    }
    // The other click of a double click was first.
    const now = await this.store.find(address.interactionId);
    return (now && this.answered(now)) ?? { kind: 'answered' };
  }

  /** Endings and re-approvals take effect here; starts and changes at the Subscription interface (domain.md 5). */
  private async order(interaction: Interaction, { subject, issuer }: SignedIn): Promise<void> {
    const { commandBus, identities, fingerprints } = this.parts;
    const person = identities.of(subject, issuer);
    const { interaction_id: authorizationId, decided_at: authorizedAt } = interaction;
    const party = {
      clientId: interaction.client_id,
      provider: interaction.provider,
      serviceId: interaction.service_id,
    };
    const trace = { correlation_id: interaction.correlation_id, causation_id: interaction.request_id };
    const now = this.clock.now();
    if (interaction.days > 0) {
      await commandBus.execute(
        new ReapproveOrder(person, party, { authorizationId, authorizedAt: authorizedAt! }, trace, now),
      );
      return;
    }
    const key = `interaction:${authorizationId}`;
    const once = { key, fingerprint: fingerprints.of([key]) };
    try {
      await commandBus.execute(new ConfirmedEndingOrder(person, party, authorizationId, once, trace, now));
    } catch (error) {
      // Ending what never was records nothing, and the flow goes on as usual (domain.md 1, decided).
      if (!(error instanceof Refused && error.code === 'not_subscribed')) throw error;
    }
  }

  private async fail(address: InteractionAddress, error: unknown): Promise<Decided> {
    const isOurs = !(error instanceof Refused) && !isOutage(error);
    const exception = isOurs ? 'server_error' : 'Abonneren 5';
    this.audit.failure(address, exception, describeError(error));
    const isFirst = await this.store.fail(address.interactionId, exception, this.clock.now());
    if (isFirst) this.audit.end(address, 'failed', exception);
    return { kind: 'failed', exception };
  }

  /** The answer given before; undefined while there is none. */
  private answered({ interaction_id: id, outcome, exception, ...row }: Interaction): Decided | undefined {
    if (outcome === null) return undefined;
    if (outcome === 'failed') return { kind: 'failed', exception: exception as 'Abonneren 5' };
    const { sealed_answer: sealed, answer_key_id: keyId, ended_at: endedAt } = row;
    const isRepeat = this.clock.now().getTime() - endedAt!.getTime() < repeatedWithinMs;
    const location = isRepeat && sealed && keyId !== null && this.parts.seal.open({ sealed, keyId }, id);
    return location ? { kind: 'granted', location: location.toString() } : { kind: 'answered' };
  }
}

function consentOf(address: InteractionAddress, interaction: Interaction, person: SignedIn) {
  return {
    authorizationId: interaction.interaction_id,
    clientId: interaction.client_id,
    redirectUri: address.redirectUri,
    person,
    provider: interaction.provider,
    serviceId: interaction.service_id,
    interfaceVersion: interaction.interface_version,
    grantedDays: interaction.days,
    authorizedAt: interaction.decided_at!,
    correlationId: interaction.correlation_id,
  };
}
