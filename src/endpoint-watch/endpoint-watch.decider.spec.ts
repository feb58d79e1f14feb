import { describe, expect, it } from '@jest/globals';
import {
  type ChangePolicy,
  confirmAfterMs,
  decideLook,
  type EndpointIdentity,
  type EndpointState,
  type Look,
  lookEveryMs,
  retryAfterMs,
} from './endpoint-watch.decider';

const start = new Date('2026-03-01T12:00:00Z');
const known: EndpointIdentity = { names: ['app.example'], issuer: 'CN=authority', cname: null };
const seen = (changes: Partial<EndpointIdentity> = {}): Look => ({ kind: 'seen', identity: { ...known, ...changes } });
const bad = (fault: 'expired' | 'other_name' | 'untrusted'): Look => ({ kind: 'seen', identity: known, fault });
const away: Look = { kind: 'unreachable', error: 'ECONNREFUSED' };

/** The findings of looks at these moments, in milliseconds after the start. */
function findings(looks: readonly [number, Look][], policy: ChangePolicy = 'alert', state: EndpointState = {}) {
  let standing = state;
  return looks.map(([atMs, look]) => {
    const decided = decideLook(standing, look, policy, new Date(start.getTime() + atMs));
    standing = decided.state;
    return { ...decided.finding, nextInMs: decided.nextInMs, doubtedSince: standing.doubtedSince };
  });
}
const kinds = (...given: Parameters<typeof findings>) => findings(...given).map(({ kind }) => kind);

describe('the identity of an endpoint', () => {
  it('is taken at the first good look and is as before while nothing changes, also after a renewal', () => {
    expect(kinds([[0, seen()], [1, seen()], [2, seen()]])).toEqual(['baseline', 'as_before', 'as_before']); // prettier-ignore
  });

  it.each(['expired', 'other_name', 'untrusted'] as const)(
    'that is %s at two looks 5 minutes apart is bad',
    (fault) => {
      const [, doubtful, early, second] = findings([
        [0, seen()],
        [1_000, bad(fault)],
        [confirmAfterMs, bad(fault)],
        [confirmAfterMs + 1_000, bad(fault)],
      ]);
      expect(doubtful).toMatchObject({ kind: 'doubtful', why: fault, nextInMs: confirmAfterMs });
      expect(early).toMatchObject({ kind: 'doubtful', nextInMs: 1_000 });
      expect(second).toMatchObject({ kind: 'bad', why: fault, doubtedSince: undefined });
    },
  );

  it('that was never good is bad as well', () => {
    expect(kinds([[0, bad('expired')], [confirmAfterMs, bad('untrusted')]])).toEqual(['doubtful', 'bad']); // prettier-ignore
  });

  it('that is good again at the second look is not in doubt any more', () => {
    const looks: [number, Look][] = [
      [0, seen()],
      [1, bad('expired')],
      [confirmAfterMs + 1, seen()],
      [confirmAfterMs + 2, bad('expired')],
    ];
    expect(kinds(looks)).toEqual(['baseline', 'doubtful', 'as_before', 'doubtful']);
  });

  it('is neither doubted nor cleared while nobody answers', () => {
    const [first, doubtful, unreachable, second] = findings([
      [0, away],
      [1, bad('expired')],
      [2, away],
      [confirmAfterMs + 1, bad('expired')],
    ]);
    expect(first).toMatchObject({ kind: 'unreachable', nextInMs: retryAfterMs, doubtedSince: undefined });
    expect(unreachable!.doubtedSince).toEqual(doubtful!.doubtedSince);
    expect(second!.kind).toBe('bad');
    expect(kinds(Array.from({ length: 10 }, (_, index) => [index * confirmAfterMs, away]))).not.toContain('bad');
  });

  it.each([
    ['issuer', { issuer: 'CN=another' }],
    ['cname', { cname: 'elsewhere.example' }],
    ['names', { names: ['app.example', 'www.app.example'] }],
  ] as const)('with another %s under a valid name is reported once, and suspends nobody', (change, changes) => {
    const [, first, again, back, third] = findings([
      [0, seen()],
      [1, seen(changes)],
      [confirmAfterMs + 1, seen(changes)],
      [confirmAfterMs + 2, seen()],
      [confirmAfterMs + 3, seen(changes)],
    ]);
    expect(first).toMatchObject({ kind: 'changed', changes: [change], isNew: true, nextInMs: lookEveryMs });
    expect(again).toMatchObject({ kind: 'changed', isNew: false });
    expect(back).toMatchObject({ kind: 'as_before' });
    expect(third).toMatchObject({ kind: 'changed', isNew: true });
  });

  it('with another issuer suspends after two looks where the policy says so', () => {
    const looks: [number, Look][] = [[0, seen()], [1, seen({ issuer: 'CN=x' })], [confirmAfterMs + 1, seen({ issuer: 'CN=x' })]]; // prettier-ignore
    expect(kinds(looks, 'suspend')).toEqual(['baseline', 'doubtful', 'bad']);
  });

  it('has not changed because a name server was silent', () => {
    const looks: [number, Look][] = [
      [0, seen({ cname: undefined })],
      [1, seen({ cname: 'edge.example' })],
      [2, seen({ cname: undefined })],
      [3, seen({ cname: 'edge.example' })],
      [4, seen({ cname: 'other.example' })],
    ];
    expect(kinds(looks)).toEqual(['baseline', 'as_before', 'as_before', 'as_before', 'changed']);
  });
});
