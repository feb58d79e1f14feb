import { createHash } from 'node:crypto';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { SuspendedClients } from '../clients';
import { type Granted, invalidToken } from '../grants';
import type { PersonIdentities } from '../persons';
import type { Clock, Logger } from '../platform';
import { Refused } from '../refusals';
import {
  AdjustOrder,
  isSubscriptionId,
  OwnSubscriptionQuery,
  type SubscriptionNow,
  TakeUpOrder,
  TerminateOrder,
} from '../subscriptions';

type Trace = TakeUpOrder['trace'];

/** A subscription as the client sees it. */
export type Standing = SubscriptionNow['standing'];

/**
 * What may be done with a token: only with the subscriptions of its own person, client, provider and service. Everything is read
 * from the log, so that an answer shows what was recorded a moment ago.
 *
 * The lists are not asked again (decided): the grant was judged by them minutes ago, and what leaves a list afterwards is
 * suspended and ended as a whole (domain.md 8).
 */
export class GrantedSubscriptions {
  constructor(
    private readonly identities: PersonIdentities,
    private readonly commandBus: CommandBus,
    private readonly queryBus: QueryBus,
    private readonly suspendedClients: Pick<SuspendedClients, 'has'>,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /**
   * Takes the grant up, once: a repeat has no second effect and shows how the subscription stands now.
   * @param askedIn reads the end date that is asked for; undefined for all that was granted
   * @throws Refused
   */
  async takeUp(
    granted: Granted,
    trace: Trace,
    askedIn: () => string | undefined,
  ): Promise<{ recorded: boolean; standing: Standing }> {
    return this.audited({ what: 'take_up', granted, trace, present: await this.find(granted) }, async () => {
      refuseEnding(granted);
      const { person, authorizationId, authorizedAt, ...terms } = granted;
      const { recorded, standing } = await this.commandBus.execute(
        new TakeUpOrder(
          this.identities.of(person.subject, person.issuer),
          terms,
          { authorizationId, authorizedAt },
          askedIn(),
          // The grant itself is the request: one token starts at most one subscription, whatever end date comes with it.
          { key: `grant:${authorizationId}`, fingerprint: createHash('sha256').update(authorizationId).digest() },
          trace,
          this.clock.now(),
        ),
      );
      if (recorded) return { recorded, standing };
      // A repeat gets the answer of its first time, and things may have happened since.
      return { recorded, standing: expectRunning(await this.one(granted, standing.subscription_id)) };
    });
  }

  /** @throws Refused */
  async adjust(granted: Granted, id: string, trace: Trace, askedIn: () => string): Promise<Standing> {
    const present = await this.find(granted, id);
    const { standing } = await this.audited({ what: 'adjust', granted, trace, present }, () => {
      expectFound(present);
      refuseEnding(granted);
      const { grantedDays, authorizedAt } = granted;
      return this.commandBus.execute(
        new AdjustOrder(id, askedIn(), { grantedDays, authorizedAt }, trace, this.clock.now()),
      );
    });
    return standing;
  }

  /** Never refused, and nothing where it has ended already. @throws Refused `not_found` */
  async end(granted: Granted, id: string, trace: Trace): Promise<void> {
    const present = await this.one(granted, id);
    await this.audited({ what: 'end', granted, trace, present }, () =>
      this.commandBus.execute(new TerminateOrder(id, 'person', trace, this.clock.now())),
    );
  }

  /** @throws Refused */
  async show(granted: Granted, id: string, trace: Trace): Promise<Standing> {
    const present = await this.find(granted, id);
    if (present?.status === 'suspended' || this.suspendedClients.has(granted.clientId)) {
      this.log.info({ ...trace, ...namesOf(granted), what: 'show', reason: 'suspended' }, 'access_token.refused');
      throw invalidToken();
    }
    return expectFound(present);
  }

  private async one(granted: Granted, id: string): Promise<Standing> {
    return expectFound(await this.find(granted, id));
  }

  /** Another's is not among those that are looked at, so that it cannot be told from one that does not exist. */
  private async find(granted: Granted, id?: string): Promise<Standing | undefined> {
    if (id !== undefined && !isSubscriptionId(id)) return undefined;
    const { subject, issuer } = granted.person;
    const query = new OwnSubscriptionQuery(this.identities.of(subject, issuer), granted, id, this.clock.now());
    const found = await this.queryBus.execute(query);
    if (found?.standing.status !== 'active' || !this.suspendedClients.has(granted.clientId)) return found?.standing;
    return { ...found.standing, status: 'suspended' };
  }

  /**
   * Does it, and says in the log what became of it. Whatever a suspended subscription refuses, it refuses as if the token were
   * unknown (domain.md 5 and 11): only the log tells the two apart.
   */
  private async audited<Done extends { recorded: boolean; standing: Standing }>(
    { what, granted, trace, present }: Step,
    work: () => Promise<Done>,
  ): Promise<Done> {
    const line = { ...trace, ...namesOf(granted), what };
    try {
      const done = await work();
      const { subscription_id, status, end_date } = done.standing;
      this.log.info({ ...line, recorded: done.recorded, subscription_id, status, end_date }, 'subscription.ordered');
      return done;
    } catch (error) {
      if (!(error instanceof Refused) || error.code === 'unavailable') throw error;
      const isSuspended =
        error.code === 'client_suspended' ||
        present?.status === 'suspended' ||
        this.suspendedClients.has(granted.clientId);
      if (!isSuspended) {
        this.log.info(
          { ...line, subscription_id: present?.subscription_id, error: error.code },
          'subscription.refused',
        );
        throw error;
      }
      this.log.info({ ...line, reason: 'suspended' }, 'access_token.refused');
      throw invalidToken();
    }
  }
}

/** One order under way: `present` is how the subscription stood before it. */
interface Step {
  what: 'take_up' | 'adjust' | 'end';
  granted: Granted;
  trace: Trace;
  present: Standing | undefined;
}

function namesOf({ clientId, authorizationId }: Granted) {
  return { client_id: clientId, authorization_id: authorizationId };
}

/** A token of 0 days is for the ending that the person confirmed (domain.md 5, decided). */
function refuseEnding({ grantedDays }: Granted): void {
  if (grantedDays === 0) throw new Refused('forbidden', 'The token only allows a termination.');
}

function expectFound(standing: Standing | undefined): Standing {
  if (!standing) throw new Refused('not_found', 'There is no such subscription.');
  return standing;
}

function expectRunning(standing: Standing): Standing {
  if (standing.status === 'suspended') throw new Refused('client_suspended');
  if (standing.status !== 'active') throw new Refused('not_subscribed', 'The subscription has ended.');
  return standing;
}
