import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isAtMachineDoor } from '../http';
import type { Clock } from '../platform';
import type { AuditTrail } from './audit-trail';

const subscriptionId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9]\d{0,8}$/;

/**
 * One line for every answer at a door for machines: what a client or an Authorization Server asked for and what it was told. What was
 * created is left out, for then the event says it; and so is whoever did not show who it is, for nobody may fill the trail so.
 */
export class RequestSteps {
  constructor(
    private readonly trail: AuditTrail,
    private readonly clock: Clock,
  ) {}

  register(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      if (request.caller !== undefined && reply.statusCode !== 201 && isAtMachineDoor(request)) {
        this.trail.step(this.lineOf(request, request.caller, reply));
      }
      done();
    });
  }

  private lineOf({ ids, method, routeOptions, params, refusal }: FastifyRequest, who: string, reply: FastifyReply) {
    const { id } = (params ?? {}) as { id?: string };
    return {
      at: this.clock.now(),
      who,
      what: `${method} ${routeOptions.url}`,
      outcome: refusal ?? 'done',
      request_id: ids.requestId,
      correlation_id: ids.correlationId,
      ...(id !== undefined && subscriptionId.test(id) && { subscription_id: id }),
      details: { status: reply.statusCode },
    };
  }
}
