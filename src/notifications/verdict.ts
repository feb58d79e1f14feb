import type { Answer } from '../client-connections';

/** What an answer means for the notification (domain.md 6). */
export type Verdict =
  | { kind: 'delivered' }
  /** The client does not know the subscription: it ends, and nothing more is sent about it. */
  | { kind: 'unknown_subscription' }
  /** `isPushBack`: the client only asked not to be called now, which counts as no try. */
  | { kind: 'retry'; error: string; retryAfterS?: number; isPushBack: boolean }
  | { kind: 'dead'; error: string };

export interface VerdictContext {
  now: Date;
  /** When the subscription started; undefined when that is not known any more. */
  startedAt?: Date;
  /** Whether the client has accepted any notification about it. */
  confirmed: boolean;
  /** Seconds after a start in which an unconfirmed client may not have learned the id yet (START_GRACE_S). */
  startGraceS: number;
}

/** Statuses that pass by themselves; every other 4xx is meant (domain.md 6, decided). */
const passingStatuses = new Set([408, 425, 429]);

/** What came of a call that was made. */
export type CallAnswer = Exclude<Answer, { kind: 'held_back' }>;

export function verdictOf(answer: CallAnswer, context: VerdictContext): Verdict {
  if (answer.kind === 'failed') return { kind: 'retry', error: answer.error, isPushBack: false };
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 400 && errorCode(answer.body) === 'invalid_subscription_id') return unknownSubscription(context);
  if (status >= 500 || passingStatuses.has(status)) {
    return {
      kind: 'retry',
      error: `status ${status}`,
      retryAfterS: retryAfterSeconds(answer.retryAfter, context.now),
      isPushBack: status === 429,
    };
  }
  const code =
    status === 400 && errorCode(answer.body) === 'invalid_notification_type' ? ' invalid_notification_type' : '';
  return { kind: 'dead', error: `status ${status}${code}` };
}

/** Whether the endpoint is in order, whatever it said: a client that refuses everything is reached all the same. */
export function isWell(answer: CallAnswer): boolean {
  return answer.kind === 'answered' && answer.status < 500 && !passingStatuses.has(answer.status);
}

function unknownSubscription({ now, startedAt, confirmed, startGraceS }: VerdictContext): Verdict {
  const inGrace = !confirmed && startedAt !== undefined && now.getTime() - startedAt.getTime() <= startGraceS * 1000;
  return inGrace
    ? { kind: 'retry', error: 'invalid_subscription_id within the grace after the start', isPushBack: false }
    : { kind: 'unknown_subscription' };
}

function errorCode(body: string): unknown {
  try {
    return (JSON.parse(body) as { error?: unknown } | null)?.error;
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3); anything else is as if it were not there. */
function retryAfterSeconds(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(value)) return Number(value);
  // Only what looks like an HTTP date is read as one: the parser takes nearly any text.
  const moment = / GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(moment) ? undefined : Math.max(0, (moment - now.getTime()) / 1000);
}
