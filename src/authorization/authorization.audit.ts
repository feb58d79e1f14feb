import { Counter, type Registry } from 'prom-client';
import type { AuditTrail } from '../audit';
import type { Clock, Logger } from '../platform';
import type { ExceptionName } from './exceptions';
import type { InteractionOutcome } from './interaction.store';

/** Of which authorization request a line speaks; never of whom. */
interface AuditedRequest {
  interactionId?: string;
  clientId?: string;
  requestId?: string;
  correlationId?: string;
}

type AuthorizationStep =
  | 'authorization.requested'
  | 'authorization.sign_in_begun'
  | 'authorization.person_asked'
  | 'authorization.person_agreed'
  | 'authorization.left';

/** One line for every step and every exception (domain.md 12), in the audit trail and the log, and the count of how requests end. */
export class AuthorizationAudit {
  private readonly ended: Counter<'outcome'>;

  constructor(
    private readonly log: Logger,
    private readonly trail: AuditTrail,
    private readonly clock: Clock,
    registry: Registry,
  ) {
    this.ended = new Counter({
      name: 'medmij_authorizations_total',
      help: 'Authorization requests at the browser door by how they ended',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  step(request: AuditedRequest, step: AuthorizationStep): void {
    this.log.info(lineOf(request), step);
    this.keep(request, step, 'done');
  }

  /** The request failed a check: nothing was begun. */
  invalid(request: AuditedRequest, exception: ExceptionName, reason: string | undefined): void {
    this.ended.inc({ outcome: 'invalid' });
    this.log.info({ ...lineOf(request), exception, reason }, 'authorization.invalid');
    this.keep(request, 'authorization.invalid', exception);
  }

  /** It came to an end; `exception` where the table has a row for it. */
  end(request: AuditedRequest, outcome: InteractionOutcome, exception: string | null): void {
    this.ended.inc({ outcome });
    this.log.info({ ...lineOf(request), outcome, ...(exception !== null && { exception }) }, 'authorization.ended');
    this.keep(request, 'authorization.ended', outcome, exception);
  }

  /** Something on our side went wrong; `error` as the log may say it. */
  failure(request: AuditedRequest, exception: ExceptionName, error: Record<string, unknown>): void {
    const level = exception === 'server_error' ? 'error' : 'warn';
    this.log[level]({ ...lineOf(request), exception, error }, 'authorization.failed');
    this.keep(request, 'authorization.failed', exception);
  }

  private keep(
    { interactionId, clientId, requestId, correlationId }: AuditedRequest,
    what: string,
    outcome: string,
    exception: string | null = null,
  ): void {
    // A request that is no valid one may say anything about its client, and whoever sends it need not show who it is.
    if (interactionId === undefined) return;
    this.trail.step({
      at: this.clock.now(),
      who: 'person',
      what,
      outcome,
      request_id: requestId,
      correlation_id: correlationId,
      client_id: clientId,
      details: { interaction_id: interactionId, ...(exception !== null && { exception }) },
    });
  }
}

function lineOf({ interactionId, clientId, requestId, correlationId }: AuditedRequest) {
  return {
    interaction_id: interactionId,
    client_id: clientId,
    request_id: requestId,
    correlation_id: correlationId,
  };
}
