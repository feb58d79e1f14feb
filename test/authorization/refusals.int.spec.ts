import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { leaving } from '../../src/authorization/client-answers';
import { browserHash, InteractionHandles } from '../../src/authorization/interaction-handle';
import { formOf as formTokenOf } from '../../src/authorization/interaction.pages';
import { FormTokens } from '../../src/screens';
import { seededRandom } from '../support/random';
import { FrontChannel } from './front-channel';
import { redirectUri, type StepwiseVisitor } from './stepwise-visitor';

const leave = '/oauth/interaction/leave';
const kinds = ['Abonneren 2', 'Abonneren 3', 'Abonneren 4', 'cancelled', 'expired'] as const;
type Kind = (typeof kinds)[number];

/** Browsers that leave at the same time. */
const lanesMax = 40;

interface Departure {
  kind: Kind;
  /** What the client sees, `state` and the date left out. */
  seen: string;
  ms: number;
}

/**
 * How well the best threshold on the response time tells two kinds apart: the share it puts on the right side, 0.5 being chance.
 * Half of one more than the largest distance of the two distributions (Kolmogorov and Smirnov).
 */
function separation(first: readonly number[], second: readonly number[]): number {
  const times = [
    ...first.map((ms) => ({ ms, step: 1 / first.length })),
    ...second.map((ms) => ({ ms, step: -1 / second.length })),
  ].sort((a, b) => a.ms - b.ms);
  let distance = 0;
  let largest = 0;
  times.forEach(({ ms, step }, index) => {
    distance += step;
    if (ms !== times[index + 1]?.ms) largest = Math.max(largest, Math.abs(distance));
  });
  return (1 + largest) / 2;
}

describe('refusals', () => {
  let front: FrontChannel;
  let agent: Agent;
  const { stepMs } = leaving;
  /** Shorter than in production, which is harder: more of the answers need a second step. */
  const shortStepMs = 100;

  beforeAll(async () => {
    front = await FrontChannel.start({ LOG_LEVEL: 'warn' });
    agent = new Agent({ keepAlive: true, maxSockets: lanesMax });
  });
  afterEach(() => {
    leaving.stepMs = stepMs;
    front.availability.answer = true;
  });
  afterAll(async () => {
    agent.destroy();
    await front.stop();
  });

  /** A person walks to the last click but one; what the database holds then is what all others of this kind begin from. */
  const walks: Record<Kind, (visitor: StepwiseVisitor, correlationId: string) => Promise<void>> = {
    'Abonneren 2': async (visitor, id) => {
      const landing = await visitor.arrive({ 'X-Correlation-ID': id });
      await visitor.signIn(landing, { redirect: { error: 'access_denied' } });
    },
    'Abonneren 3': async (visitor, id) => {
      front.availability.answer = false;
      await visitor.arriveAs('no-relation', { 'X-Correlation-ID': id });
      front.availability.answer = true;
    },
    'Abonneren 4': async (visitor, id) => {
      await visitor.arriveAs('somebody', { 'X-Correlation-ID': id });
    },
    cancelled: async (visitor, id) => {
      await visitor.follow(await visitor.arrive({ 'X-Correlation-ID': id }), '/oauth/interaction/cancel');
    },
    expired: async (visitor, id) => {
      await visitor.arrive({ 'X-Correlation-ID': id });
    },
  };

  /** So many interactions of a kind, each one click before its end; the answer is that click. */
  async function prepare(kind: Kind, count: number): Promise<(() => Promise<Departure>)[]> {
    const correlationId = randomUUID();
    await walks[kind](front.visitor(), correlationId);
    const ids = Array.from({ length: count }, () => randomUUID());
    const shift = kind === 'expired' ? '-31 minutes' : '0';
    await front.sql(
      `insert into interaction (interaction_id, client_id, provider, service_id, interface_version, days, request_id, correlation_id,
         created_at, expires_at, shown_to, outcome, exception, ended_at)
       select id, client_id, provider, service_id, interface_version, days, request_id, correlation_id,
         created_at + $3::interval, expires_at + $3::interval, shown_to, outcome, exception, ended_at
       from interaction, unnest($2::uuid[]) as id where correlation_id = $1`,
      [correlationId, ids, shift],
    );
    const [row] = await front.sql<{ request_id: string; expires_at: Date }>(
      'select request_id, expires_at + $2::interval as expires_at from interaction where correlation_id = $1 limit 1',
      [correlationId, shift],
    );
    const handles = front.service.world.app.get(InteractionHandles, { strict: false });
    const forms = front.service.world.app.get(FormTokens, { strict: false });
    return ids.map((interactionId) => {
      const browser = 'b'.repeat(43);
      const state = randomUUID();
      const interaction = handles.handleOf({
        interactionId,
        clientId: 'localhost',
        redirectUri,
        state,
        requestId: row!.request_id,
        correlationId,
        browser: browserHash(interactionId, browser),
        expiresAt: row!.expires_at,
      });
      const cookie = `browser=${browser}`;
      if (kind === 'expired') return () => depart(kind, state, 'GET', `${leave}?id=${interaction}`, { cookie });
      const shown = { request: { headers: { cookie } } } as unknown as FastifyReply;
      const fields = { interaction, form_token: forms.issue(shown, formTokenOf(leave, interactionId)) };
      const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' };
      return () => depart(kind, state, 'POST', leave, headers, new URLSearchParams(fields).toString());
    });
  }

  function depart(
    kind: Kind,
    state: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<Departure> {
    return new Promise((resolve, reject) => {
      const asked = request(`${front.service.world.baseUrl}${path}`, { agent, method, headers }, (answer) => {
        const ms = performance.now() - startMs;
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const head = answer.rawHeaders.map((text, index, all) => (all[index - 1] === 'Date' ? 'a moment' : text));
          const seen = [answer.httpVersion, answer.statusCode, answer.statusMessage, ...head, Buffer.concat(chunks)];
          resolve({ kind, seen: seen.join('\n').replace(state, 'the state'), ms });
        });
      });
      asked.on('error', reject);
      const startMs = performance.now();
      asked.end(body);
    });
  }

  /** All of them, in an order of chance, many at the same time. */
  async function leaveAll(clicks: (() => Promise<Departure>)[], lanes: number): Promise<Departure[]> {
    const random = seededRandom(7);
    const order = clicks.map((click) => ({ click, place: random() })).sort((a, b) => a.place - b.place);
    const departures: Departure[] = [];
    let next = 0;
    const lane = async () => {
      while (next < order.length) departures.push(await order[next++]!.click());
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return departures;
  }

  const timesOf = (departures: readonly Departure[], kind: Kind) =>
    departures.filter((departure) => departure.kind === kind).map(({ ms }) => ms);

  it('of every kind are one and the same for the client: 2,000 of each, in every byte but state, and in time', async () => {
    leaving.stepMs = shortStepMs;
    const clicks = [];
    for (const kind of kinds) clicks.push(...(await prepare(kind, 2_000)));
    const departures = await leaveAll(clicks, lanesMax);

    const [seen, ...others] = [...new Set(departures.map((departure) => departure.seen))];
    expect(others).toEqual([]);
    expect(seen).toContain(`${redirectUri}&error=access_denied&error_uri=`);
    expect(seen).toContain('state=the state');

    const worst = kinds.flatMap((first, index) =>
      kinds.slice(index + 1).map((second) => {
        const value = separation(timesOf(departures, first), timesOf(departures, second));
        return { first, second, value };
      }),
    );
    expect(worst.filter(({ value }) => value > 0.55)).toEqual([]);

    const outcomes = await front.sql<{ outcome: string; exception: string | null; count: number }>(
      `select outcome, exception, count(*)::int as count from interaction where left_at is not null group by 1, 2 order by 1, 2`,
    );
    expect(outcomes).toEqual([
      { outcome: 'abandoned', exception: null, count: 2_000 },
      { outcome: 'cancelled', exception: null, count: 2_000 },
      { outcome: 'refused', exception: 'Abonneren 2', count: 2_000 },
      { outcome: 'refused', exception: 'Abonneren 3', count: 2_000 },
      { outcome: 'refused', exception: 'Abonneren 4', count: 2_000 },
    ]);
  }, 600_000);

  describe('of which one kind costs more work', () => {
    const slowBy = (seconds: number) =>
      front.sql(`
        create or replace function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${seconds}); return new; end $$;
        create or replace trigger slow before update on interaction for each row
          when (old.exception = 'Abonneren 3') execute function slow()`);
    afterAll(() => front.sql('drop trigger slow on interaction'));

    const compare = async (count: number, lanes: number) => {
      const clicks = [...(await prepare('Abonneren 3', count)), ...(await prepare('Abonneren 4', count))];
      const departures = await leaveAll(clicks, lanes);
      return separation(timesOf(departures, 'Abonneren 3'), timesOf(departures, 'Abonneren 4'));
    };

    it('are not told apart, for the steps hide it', async () => {
      await slowBy(0.005);
      leaving.stepMs = shortStepMs;
      expect(await compare(2_000, lanesMax)).toBeLessThanOrEqual(0.55);
    }, 300_000);

    // Few at the same time, so that the work itself is most of the time it takes.
    it('would be told apart without the steps: the measure sees it', async () => {
      await slowBy(0.03);
      leaving.stepMs = 0.001;
      expect(await compare(300, 2)).toBeGreaterThan(0.7);
    }, 300_000);
  });

  it('are measured rightly: the same is half, the opposite is whole, a part is in between', () => {
    expect(separation([1, 2, 3, 4], [1, 2, 3, 4])).toBe(0.5);
    expect(separation([1, 2], [3, 4])).toBe(1);
    expect(separation([1, 2, 3, 4], [3, 4, 5, 6])).toBe(0.75);
  });
});
