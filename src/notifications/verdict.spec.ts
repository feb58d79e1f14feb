import { describe, expect, it } from '@jest/globals';
import { type CallAnswer, isWell, type VerdictContext, verdictOf } from './verdict';

const now = new Date('2026-03-01T12:00:00Z');
const secondsAgo = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const context = (changes: Partial<VerdictContext> = {}): VerdictContext => ({
  now,
  startedAt: secondsAgo(10_000),
  confirmed: true,
  startGraceS: 900,
  ...changes,
});
const answered = (status: number, body = '', retryAfter?: string): CallAnswer => ({
  kind: 'answered',
  status,
  body,
  retryAfter,
});
const error = (code: string) => JSON.stringify({ error: code });

describe('an answer of the client', () => {
  it.each([200, 201, 204, 299])('%i means delivered', (status) => {
    expect(verdictOf(answered(status), context())).toEqual({ kind: 'delivered' });
  });

  it.each([301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 410, 422])('%i is a permanent failure', (status) => {
    expect(verdictOf(answered(status), context()).kind).toBe('dead');
  });

  it.each([408, 425, 429, 500, 502, 503, 504, 599])('%i is tried again', (status) => {
    expect(verdictOf(answered(status), context()).kind).toBe('retry');
  });

  it('that never came is tried again, with what went wrong', () => {
    expect(verdictOf({ kind: 'failed', error: 'ECONNREFUSED' }, context())).toEqual({
      kind: 'retry',
      error: 'ECONNREFUSED',
      isPushBack: false,
    });
  });

  it('counts as no try when it only asks not to be called now', () => {
    const pushedBack = [408, 425, 429, 500, 503].filter((status) => {
      const verdict = verdictOf(answered(status), context());
      return verdict.kind === 'retry' && verdict.isPushBack;
    });
    expect(pushedBack).toEqual([429]);
  });

  it('says that the endpoint is well, unless it is out of order, unreachable or asks to be left alone', () => {
    for (const status of [200, 204, 301, 400, 404, 410])
      expect([status, isWell(answered(status))]).toEqual([status, true]);
    for (const status of [408, 425, 429, 500, 503]) expect([status, isWell(answered(status))]).toEqual([status, false]);
    expect(isWell({ kind: 'failed', error: 'timeout' })).toBe(false);
  });

  it('invalid_notification_type is a permanent failure that says so', () => {
    expect(verdictOf(answered(400, error('invalid_notification_type')), context())).toEqual({
      kind: 'dead',
      error: 'status 400 invalid_notification_type',
    });
  });

  it.each([
    ['5', 5],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-3', undefined],
    ['1e9', undefined],
  ])('with Retry-After %s asks for %s seconds', (header, seconds) => {
    expect(verdictOf(answered(429, '', header), context())).toEqual({
      kind: 'retry',
      error: 'status 429',
      retryAfterS: seconds,
      isPushBack: true,
    });
  });
});

describe('invalid_subscription_id', () => {
  const unknown = answered(400, error('invalid_subscription_id'));

  it('ends the subscription once the client has accepted any notification about it', () => {
    expect(verdictOf(unknown, context({ confirmed: true, startedAt: now }))).toEqual({ kind: 'unknown_subscription' });
  });

  it('is tried again within the grace after a start, to the second', () => {
    expect(verdictOf(unknown, context({ confirmed: false, startedAt: secondsAgo(900) })).kind).toBe('retry');
    expect(verdictOf(unknown, context({ confirmed: false, startedAt: secondsAgo(901) })).kind).toBe(
      'unknown_subscription',
    );
  });

  it('ends the subscription when nobody knows any more when it started', () => {
    expect(verdictOf(unknown, context({ confirmed: false, startedAt: undefined })).kind).toBe('unknown_subscription');
  });

  it('counts only with status 400 and in the error field', () => {
    expect(verdictOf(answered(404, error('invalid_subscription_id')), context()).kind).toBe('dead');
    expect(verdictOf(answered(400, 'invalid_subscription_id'), context()).kind).toBe('dead');
    expect(verdictOf(answered(400, '{"message":"invalid_subscription_id"}'), context()).kind).toBe('dead');
    expect(verdictOf(answered(400, 'null'), context()).kind).toBe('dead');
  });
});
