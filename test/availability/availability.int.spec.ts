import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AvailabilityClient } from '../../src/availability/availability.client';
import { AvailabilityUnknown } from '../../src/availability/availability';
import { type AvailabilityAnswer, AvailabilityServer } from '../support/availability-server';

const question = { subject: 's', issuer: 'i', provider: 'eenofanderezorgaanbieder', serviceId: '42' };

describe('the question whether a person’s data is available', () => {
  const server = new AvailabilityServer();
  let client: AvailabilityClient;
  beforeAll(async () => {
    await server.start();
    client = new AvailabilityClient(server.url);
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it.each([true, false])('is answered with %s', async (answer) => {
    server.answer = answer;
    expect(await client.isAvailable(question)).toBe(answer);
    expect(server.asked.at(-1)).toEqual({
      subject: 's',
      issuer: 'i',
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
    });
  });

  it('may be answered with more than was asked', async () => {
    server.answer = { status: 200, body: '{"available":true,"since":"2020"}' };
    expect(await client.isAvailable(question)).toBe(true);
  });

  it.each<[string, AvailabilityAnswer]>([
    ['the connection ends', 'hang up'],
    ['it answers with an error', { status: 500, body: '{"available":true}' }],
    ['it answers with no content', { status: 204, body: '' }],
    ['it redirects', { status: 302, body: '{"available":true}' }],
    ['the answer is no JSON', { status: 200, body: 'true' + '}' }],
    ['the answer is no object', { status: 200, body: 'true' }],
    ['the answer says it in words', { status: 200, body: '{"available":"yes"}' }],
    ['the answer says something else', { status: 200, body: '{"Available":true}' }],
    ['the answer says it twice', { status: 200, body: '{"available":true,"available":false}' }],
    ['the answer is too large', { status: 200, body: `{"available":true,"x":"${'y'.repeat(5_000)}"}` }],
  ])('has no answer when %s', async (_why, answer) => {
    server.answer = answer;
    await expect(client.isAvailable(question)).rejects.toThrow(AvailabilityUnknown);
  });

  it('has no answer when none comes in time', async () => {
    server.answer = 'hang';
    const startMs = performance.now();
    await expect(client.isAvailable(question)).rejects.toThrow('in time');
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it('has no answer while there is nobody, and has one again afterwards', async () => {
    await server.stop();
    await expect(client.isAvailable(question)).rejects.toThrow('cannot be reached');
    await server.start();
    server.answer = true;
    expect(await client.isAvailable(question)).toBe(true);
  });
});
