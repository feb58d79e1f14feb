import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../platform';
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

/** One line for every step and every exception (domain.md 12), and the count of how authorization requests end. */
export class AuthorizationAudit {
  private readonly ended: Counter<'outcome'>;

  constructor(
    private readonly log: Logger,
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
  }

  /** The request failed a check: nothing was begun. */
  invalid(request: AuditedRequest, exception: ExceptionName, reason: string | undefined): void {
    this.ended.inc({ outcome: 'invalid' });
    this.log.info({ ...lineOf(request), exception, reason }, 'authorization.invalid');
  }

  /** It came to an end; `exception` where the table has a row for it. */
  end(request: AuditedRequest, outcome: InteractionOutcome, exception: string | null): void {
    this.ended.inc({ outcome });
    this.log.info({ ...lineOf(request), outcome, ...(exception !== null && { exception }) }, 'authorization.ended');
  }

  /** Something on our side went wrong; `error` as the log may say it. */
  failure(request: AuditedRequest, exception: ExceptionName, error: Record<string, unknown>): void {
    const level = exception === 'server_error' ? 'error' : 'warn';
    this.log[level]({ ...lineOf(request), exception, error }, 'authorization.failed');
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
