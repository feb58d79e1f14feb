import { type CommandBus, type QueryBus } from '@nestjs/cqrs';
import { type AskedAuthorization, checkAuthorization, type Terms } from '../authorization-checks';
import type { Trace } from '../event-store';
import type { ListStore } from '../medmij-lists';
import type { PersonIdentities, RequestFingerprint } from '../persons';
import type { Clock } from '../platform';
import { AnswerQuery, AuthorizedOrder, type OrderResult } from '../subscriptions';
import type { AuthorizedRequest } from './authorized-request';

export interface IntakeRules {
  /** For a request that names none. */
  interfaceVersion: string;
  /** Undefined (development) means any. */
  ownHosts: ReadonlySet<string> | undefined;
}

/** The one path of an authorized request, whichever door it came through: check, then order. */
export class AuthorizationIntake {
  constructor(
    private readonly lists: ListStore,
    private readonly identities: PersonIdentities,
    private readonly fingerprints: RequestFingerprint,
    private readonly commandBus: CommandBus,
    private readonly queryBus: QueryBus,
    private readonly clock: Clock,
    private readonly rules: IntakeRules,
  ) {}

  /** @throws Refused with the code of the check that failed (domain.md 2), or of the time rule (domain.md 1) */
  async accept(request: AuthorizedRequest, trace: Trace): Promise<OrderResult> {
    const once = { key: `authorization:${request.authorization_id}`, fingerprint: this.fingerprintOf(request) };
    let terms: Terms;
    try {
      terms = checkAuthorization(this.asked(request), this.lists.current(), this.rules.ownHosts);
    } catch (refusal) {
      // A request that was accepted once is answered as then, though the lists would refuse it now.
      const answered = await this.queryBus.execute(new AnswerQuery(once));
      if (answered) return answered;
      throw refusal;
    }
    const person = this.identities.of(request.subject, request.issuer);
    const authorization = {
      authorizationId: request.authorization_id,
      authorizedAt: new Date(request.authorized_at),
    };
    return this.commandBus.execute(new AuthorizedOrder(person, terms, authorization, once, trace, this.clock.now()));
  }

  private asked(request: AuthorizedRequest): AskedAuthorization {
    return {
      clientId: request.client_id,
      scope: request.scope,
      interfaceVersion: request.interface_version ?? this.rules.interfaceVersion,
      grantedDays: request.granted_days,
    };
  }

  /** What was sent, not what we made of it: a later change of a default must not make a repeat another request. */
  private fingerprintOf(request: AuthorizedRequest): Buffer {
    return this.fingerprints.of([
      request.client_id,
      request.scope,
      request.subject,
      request.issuer ?? null,
      request.interface_version ?? null,
      request.granted_days ?? null,
      new Date(request.authorized_at).toISOString(),
    ]);
  }
}
