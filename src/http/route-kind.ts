import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { Refused } from '../refusals';

/** What a route takes as its body: JSON unless it says otherwise. */
export type BodyKind = 'json' | 'form';
/** Who reads the answer of a route, errors too: a machine (a problem document) unless it says otherwise, or a person (a page). */
export type AnswerKind = 'problem' | 'page';

/** A refusal as it goes out. */
export interface RefusalAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
/** Where a standard says how a refusal looks (RFC 6749, RFC 6750): from the problem document to what the standard wants. */
export type RefusalForm = (
  problem: RefusalAnswer,
  about: { refused: Refused; request: FastifyRequest; publicUrl: string },
) => RefusalAnswer;

interface RouteKind {
  body?: BodyKind;
  answer?: AnswerKind;
  refusals?: RefusalForm;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    kind?: RouteKind;
  }
}

/** How a route differs from the ordinary JSON door; for the method of a controller. */
export const RouteIs = (kind: RouteKind) => RouteConfig({ kind });

export function bodyKindOf(request: FastifyRequest): BodyKind {
  return kindOf(request).body ?? 'json';
}

export function answerKindOf(request: FastifyRequest): AnswerKind {
  return kindOf(request).answer ?? 'problem';
}

export function refusalFormOf(request: FastifyRequest): RefusalForm | undefined {
  return kindOf(request).refusals;
}

/** Empty for a request that found no route, also for one that was refused before the router was asked. */
function kindOf(request: FastifyRequest): RouteKind {
  return request.routeOptions?.config?.kind ?? {};
}
