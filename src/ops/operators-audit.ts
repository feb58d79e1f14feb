import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLine, AuditTrail } from '../audit';
import type { Clock } from '../platform';

/** What a write is about, as far as it is known by the time it is answered; ids only where they have the form of one. */
type About = Partial<Pick<AuditLine, 'outcome' | 'subscription_id' | 'client_id' | 'reason_text' | 'details'>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: string;
  }
  interface FastifyRequest {
    about?: About;
  }
}

/** The name of an operators' write in the audit trail; for the method of a controller. Every POST below `/ops/api` has one. */
export const Audited = (operation: string) => RouteConfig({ operation });

/** Adds to what the audit line of a request will say. */
export function tell(request: FastifyRequest, about: About): void {
  const details = { ...request.about?.details, ...about.details };
  request.about = { ...request.about, ...about, ...(Object.keys(details).length > 0 && { details }) };
}

/**
 * One line for every write of an operator, a refused one too, before its answer leaves. Whoever brings no valid token is no operator:
 * nobody can fill the trail without one.
 */
export class OperatorsAudit {
  constructor(
    private readonly trail: AuditTrail,
    private readonly clock: Clock,
  ) {}

  register(fastify: FastifyInstance): void {
    fastify.decorateRequest('about', undefined);
    fastify.addHook('onSend', async (request: FastifyRequest, _reply: FastifyReply, payload: unknown) => {
      const operation = request.routeOptions.config.operation;
      if (operation !== undefined && request.caller !== undefined) await this.write(operation, request.caller, request);
      return payload;
    });
  }

  private async write(what: string, who: string, { ids, refusal, about }: FastifyRequest): Promise<void> {
    await this.trail.write({
      at: this.clock.now(),
      who,
      what,
      request_id: ids.requestId,
      correlation_id: ids.correlationId,
      ...about,
      outcome: refusal ?? about?.outcome ?? 'done',
    });
  }
}
