import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestChecks } from '../../src/authorization/authorization-request';
import type { Answer } from '../support/app';
import { resumeClient, suspendClient } from '../journeys/walk';
import { FrontChannel } from './front-channel';
import { authorizationRequest, backAtClient, locationOf, type Parameters, queryOf } from './stepwise-visitor';

/** What to change in a good request so that this row of the list fails, and every row before it passes. In the order of the list. */
const faults: Parameters[] = [
  { client_id: 'unknown-client.example' },
  { redirect_uri: 'https://evil.example/' },
  { response_type: undefined },
  { response_type: 'token' },
  { prompt: ['none', 'login'] },
  { state: undefined },
  { 'MedMij-Request-ID': 'not a uuid' },
  { 'X-Correlation-ID': undefined },
  { scope: 'subscribe~180/eenofanderezorgaanbieder~42 openid' },
  { scope: 'subscribe~180/eenofanderezorgaanbieder~98' },
  { scope: 'subscribe~180/eenofanderezorgaanbieder~44' },
  { client_id: 'no-endpoints.example', redirect_uri: 'https://no-endpoints.example/terug' },
  { scope: 'subscribe~180/onbekendeaanbieder~42' },
  { scope: 'subscribe~90/anderezorgaanbieder~42' },
  { scope: 'subscribe~180/aanbiederzonderabonneren~42' },
  { scope: 'subscribe~366/eenofanderezorgaanbieder~42' },
];

describe('the checks of an authorization request', () => {
  let front: FrontChannel;
  beforeAll(async () => {
    front = await FrontChannel.start();
  });
  afterAll(() => front.stop());

  const ask = (given: Parameters): Promise<Answer> =>
    front.visitor().get(`/oauth/authorize?${queryOf(authorizationRequest(given))}`);

  // The last row is about granted days, of which this door knows nothing.
  const rows = requestChecks.slice(0, -1).map((check, index) => ({ ...check, index, number: index + 1 }));

  it('has a fault for every row of the list', () => {
    expect(faults).toHaveLength(rows.length);
  });

  it.each(rows)('answers row $number with $exception: $sentence', async ({ exception, sentence, index }) => {
    const answer = await ask(faults[index]!);
    if (exception === 'Abonneren 1a') {
      expect(answer.status).toBe(400);
      expect(answer.headers.get('location')).toBeNull();
      return;
    }
    const location = new URL(locationOf(answer));
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      error: exception === 'Abonneren 1b' ? 'invalid_request' : exception,
      error_description: sentence,
    });
  });

  it.each(rows.slice(0, -1))('looks at row $number before the next one', async ({ exception, sentence, index }) => {
    // Both are wrong; where they change the same parameter the first one has it.
    const answer = await ask({ ...faults[index + 1], ...faults[index] });
    if (exception === 'Abonneren 1a') expect(answer.status).toBe(400);
    else expect(new URL(locationOf(answer)).searchParams.get('error_description')).toBe(sentence);
  });

  it('lets a good request in, and ignores parameters that it does not know', async () => {
    const answer = await ask({ prompt: 'login', nonce: 'x', 'claims[]': '{}', __proto__x: '1', empty: '' });
    expect(locationOf(answer)).toMatch(/^\/oauth\/interaction\?id=/);
  });

  it('takes an ending of a subscription at the very door', async () => {
    expect(locationOf(await ask({ scope: 'subscribe~0/eenofanderezorgaanbieder~42' }))).toMatch(
      /^\/oauth\/interaction/,
    );
  });

  it('lets a suspended client end a subscription, for an ending is never refused', async () => {
    await suspendClient(front.service);
    try {
      expect(backAtClient(await ask({}))).toMatchObject({ error: 'unauthorized_client' });
      const ending = await ask({ scope: 'subscribe~0/eenofanderezorgaanbieder~42' });
      expect(locationOf(ending)).toMatch(/^\/oauth\/interaction/);
    } finally {
      await resumeClient(front.service);
    }
  });

  it('follows the lists: OWN_HOSTS decides whether we open the service up', async () => {
    await front.service.restart({ OWN_HOSTS: 'localhost' });
    const told = backAtClient(await ask({ scope: 'subscribe~180/aanbiederelders~42' }));
    expect(told.error).toBe('invalid_request');
    expect(told.error_description).toContain('opened up here');
  });
});
