import type { FastifyRequest } from 'fastify';

/** An operator who is signed in at a browser. */
export interface Operator {
  subject: string;
  scopes: readonly string[];
}

/** Who is at the browser that sends a request. The operator page's room knows; a process without that room has no sessions. */
export interface OperatorSessions {
  /**
   * Undefined when nobody is signed in there.
   * @throws Refused `forbidden` for a request that writes and was not sent by our own page
   */
  operatorAt(request: FastifyRequest): Promise<Operator | undefined>;
}

/** Injection token of the sessions, where there are any. */
export const OPERATOR_SESSIONS = Symbol('OPERATOR_SESSIONS');
