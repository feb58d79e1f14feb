import { describe, expect, it } from '@jest/globals';
import { faultOf, type KeptGrant, type Presented } from './grant';

const expiresAt = new Date('2026-03-01T12:15:00Z');
const kept: KeptGrant = {
  clientId: 'app.example',
  redirectUri: 'https://app.example/callback',
  correlationId: '6B1C3A52-8f2e-4f0a-9c58-0d6a3f7f9f10',
  scope: 'subscribe~180/aanbieder~42',
  codeExpiresAt: expiresAt,
  isExchanged: false,
};
const presented: Presented = {
  code: 'the code',
  clientId: kept.clientId,
  redirectUri: kept.redirectUri,
  correlationId: kept.correlationId.toLowerCase(),
};
const now = new Date(expiresAt.getTime() - 1);

describe('a code', () => {
  it('is good for its client, at its redirect_uri, in its conversation, as long as it lives', () => {
    expect(faultOf(kept, presented, now)).toBeUndefined();
    expect(faultOf(kept, { ...presented, scope: kept.scope }, now)).toBeUndefined();
  });

  it.each([
    ['unknown', undefined, {}, now],
    ['other_client', {}, { clientId: 'APP.example' }, now],
    ['other_redirect_uri', {}, { redirectUri: 'https://app.example/callback/' }, now],
    ['expired', {}, {}, expiresAt],
    ['other_correlation_id', {}, { correlationId: presented.correlationId.replace('6', '7') }, now],
    ['other_scope', {}, { scope: 'subscribe~90/aanbieder~42' }, now],
  ] as const)('is refused as %s', (fault, changes, more, at) => {
    expect(faultOf(changes && { ...kept, ...changes }, { ...presented, ...more }, at)).toBe(fault);
  });

  it('that was presented before is known as such, whoever brings it whenever and however', () => {
    const wrong = { ...presented, clientId: 'thief.example', redirectUri: 'x', correlationId: 'x', scope: 'x' };
    expect(faultOf({ ...kept, isExchanged: true }, wrong, new Date(expiresAt.getTime() + 1))).toBe('presented_again');
  });

  it('says nothing of its conversation or scope to a client that it is not for', () => {
    const wrong = { ...presented, correlationId: 'x', scope: 'x' };
    expect(faultOf(kept, { ...wrong, clientId: 'thief.example' }, now)).toBe('other_client');
    expect(faultOf(kept, wrong, expiresAt)).toBe('expired');
  });
});
