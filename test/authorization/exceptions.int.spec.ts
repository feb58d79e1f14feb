import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { admissionLimits } from '../../src/authorization/admission';
import { type ExceptionName, type ExceptionRow, exceptions } from '../../src/authorization/exceptions';
import type { Answer } from '../support/app';
import { resumeClient, suspendClient } from '../journeys/walk';
import { FrontChannel } from './front-channel';
import { authorizationRequest, backAtClient, queryOf, refreshOf, type StepwiseVisitor } from './stepwise-visitor';

const publicUrl = 'http://localhost:0';
const correlationId = '0d9c1f5e-55a1-4d6e-8f0a-0f5a8a7b9c01';
const requestId = '5b7d6f2c-0c51-4f5e-9a55-3a1f6f0a2b02';
const state = 'state with spaces & signs=%2F';
const leave = '/oauth/interaction/leave';

/** How one row comes about: the page on the way, where there is one, and the last answer. */
type Way = (visitor: StepwiseVisitor) => Promise<{ page?: Answer; answer: Answer }>;

describe('the table of exceptions', () => {
  let front: FrontChannel;
  const usual = { ...admissionLimits };

  beforeAll(async () => {
    front = await FrontChannel.start();
  });
  afterEach(() => {
    front.availability.answer = true;
    Object.assign(admissionLimits, usual);
  });
  afterAll(() => front.stop());

  const asked = { state, 'X-Correlation-ID': correlationId, 'MedMij-Request-ID': requestId };
  const authorize = (visitor: StepwiseVisitor, given = {}) =>
    visitor.get(`/oauth/authorize?${queryOf(authorizationRequest({ ...asked, ...given }))}`);

  /** One way to each row: the compiler refuses a row without one. */
  const ways: Record<ExceptionName, Way> = {
    'Abonneren 1a': async (visitor) => ({
      answer: await authorize(visitor, { client_id: 'unknown-client.example' }),
    }),
    'Abonneren 1b': async (visitor) => ({ answer: await authorize(visitor, { scope: 'openid' }) }),
    unsupported_response_type: async (visitor) => ({ answer: await authorize(visitor, { response_type: 'token' }) }),
    unauthorized_client: async (visitor) => {
      await suspendClient(front.service);
      const answer = await authorize(visitor);
      await resumeClient(front.service);
      return { answer };
    },
    'Abonneren 2': async (visitor) => {
      const page = await visitor.signIn(await visitor.arrive(asked), { redirect: { error: 'access_denied' } });
      return { page, answer: await visitor.submit(page, leave) };
    },
    'Abonneren 3': async (visitor) => {
      front.availability.answer = false;
      const page = await visitor.arriveAs('without-relation', asked);
      return { page, answer: await visitor.submit(page, leave) };
    },
    'Abonneren 4': async (visitor) => ({
      answer: await visitor.submit(await visitor.arriveAs('somebody', asked), leave),
    }),
    cancelled: async (visitor) => {
      const landing = await visitor.arrive(asked);
      const page = await visitor.follow(landing, '/oauth/interaction/cancel');
      return { answer: await visitor.submit(page, leave) };
    },
    expired: async (visitor) => {
      const landing = await visitor.arrive(asked);
      front.service.world.clock.advance(1_801_000);
      const answer = await visitor.get(refreshOf(landing).path);
      front.service.world.clock.advance(-1_801_000);
      return { answer };
    },
    'Abonneren 5': async (visitor) => {
      front.availability.answer = { status: 500, body: '' };
      return { answer: await visitor.arriveAs('somebody', asked) };
    },
    temporarily_unavailable: async (visitor) => {
      Object.assign(admissionLimits, { openMax: 0, openCountedEveryMs: 0 });
      return { answer: await authorize(visitor) };
    },
    server_error: async (visitor) => {
      await front.sql('alter table interaction rename column days to renamed');
      const answer = await authorize(visitor);
      await front.sql('alter table interaction rename column renamed to days');
      return { answer };
    },
  };

  it.each(Object.keys(exceptions) as ExceptionName[])('%s is answered as it says', async (name) => {
    const row: ExceptionRow = exceptions[name];
    const before = front.service.world.logLines.length;
    const { page, answer } = await ways[name](front.visitor());

    const shown = row.actie === 'page' ? answer : page;
    expect(shown !== undefined).toBe(row.actie !== 'redirect');
    if (shown) {
      expect(shown.headers.get('location')).toBeNull();
      expect(shown.headers.get('content-type')).toBe('text/html; charset=utf-8');
      for (const { nl, en } of [row.text!.title, ...row.text!.body]) {
        expect(shown.text).toContain(nl);
        expect(shown.text).toContain(en);
      }
    }
    if (row.melding === null) {
      expect(answer.status).toBe(400);
    } else {
      const { error, error_description: description, error_uri: page } = row.melding;
      const told = backAtClient(answer);
      expect(told).toEqual({
        error,
        error_uri: `${publicUrl}/errors/${page}`,
        iss: publicUrl,
        state,
        ...((description ?? told.error_description !== undefined) && {
          error_description: description ?? expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
        }),
      });
      // Only a request that is wrong is explained.
      if (description === undefined && error !== 'invalid_request' && error !== 'unsupported_response_type') {
        expect(told).not.toHaveProperty('error_description');
      }
      // Where it leads there is a page about it.
      expect((await front.visitor().get(`/errors/${page}`)).status).toBe(200);
    }
    const lines = front.service.world.logLines.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>);
    const audited = lines.filter(({ correlation_id: id }) => id === correlationId);
    expect(audited).toContainEqual(
      expect.objectContaining(
        name === 'cancelled' || name === 'expired'
          ? { msg: 'authorization.ended', outcome: name === 'expired' ? 'abandoned' : name, request_id: requestId }
          : { exception: name, request_id: requestId },
      ),
    );
  });
});
