import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { SuspendOrder } from '../../src/subscriptions';
import { authorizedRequest } from '../support/app';
import { eventually } from '../support/eventually';
import { FrontChannel } from './front-channel';
import { consentTo, exchange } from './grant-walk';
import { backAtClient, formOf, locationOf, redirectUri, refreshOf } from './stepwise-visitor';

const decision = '/oauth/interaction/decision';
const leave = '/oauth/interaction/leave';
const ending = { scope: 'subscribe~0/eenofanderezorgaanbieder~42' };
const afterItsTime = 1_801_000;

interface Item {
  interaction_id: string;
  state: string;
  exception: string | null;
  correlation_id: string;
  ended_at: string | null;
  left_at: string | null;
  expires_at: string;
}

describe('an interaction', () => {
  let front: FrontChannel;
  beforeAll(async () => {
    front = await FrontChannel.start();
  });
  afterEach(() => {
    front.availability.answer = true;
  });
  afterAll(() => front.stop());

  const person = () => `person-${randomUUID()}`;
  const items = async (query = ''): Promise<Item[]> =>
    (await front.service.get<{ items: Item[] }>(`/ops/api/interactions?limit=500${query}`)).body.items;
  const itemOf = async (correlationId: string): Promise<Item | undefined> =>
    (await items()).find(({ correlation_id: id }) => id === correlationId);
  /** The steps of a conversation in the audit trail, the oldest first, once there are so many. */
  const auditOf = (correlationId: string, count: number) =>
    eventually(async () => {
      const { body } = await front.service.get<{ items: { what: string; outcome: string; client_id: string }[] }>(
        `/ops/api/audit?correlation_id=${correlationId}`,
      );
      expect(body.items).toHaveLength(count);
      return body.items.map(({ what, outcome }) => `${what} ${outcome}`).reverse();
    });
  const grantsOf = (correlationId: string) =>
    front.sql('select granted_days, authorization_id::text from access_grant where correlation_id = $1', [
      correlationId,
    ]);
  /** Does something as if so many milliseconds had passed. */
  const at = async <Result>(ms: number, work: () => Promise<Result>): Promise<Result> => {
    front.service.world.clock.advance(ms);
    try {
      return await work();
    } finally {
      front.service.world.clock.advance(-ms);
    }
  };

  describe('that the person agrees to', () => {
    it('leads to a code that the client exchanges for a token with the days granted', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { state: 'my state', 'X-Correlation-ID': correlationId });
      for (const words of [
        'eenofanderezorgaanbieder',
        'Voorbeeld-PGO',
        'De komende 180 dagen',
        'geen langdurige toestemming',
      ]) {
        expect(statement.text).toContain(words);
      }
      const told = backAtClient(await visitor.submit(statement, decision));
      expect(told).toEqual({ code: expect.any(String), iss: 'http://localhost:0', state: 'my state' });
      const item = await itemOf(correlationId);
      expect(await grantsOf(correlationId)).toEqual([{ granted_days: 180, authorization_id: item!.interaction_id }]);
      expect(item).toMatchObject({ state: 'granted', exception: null });
      const consent = consentTo(front.service, { redirectUri, correlationId });
      const token = await exchange(front.service, consent, told.code!);
      expect([token.status, token.body.scope]).toEqual([200, 'subscribe~180/eenofanderezorgaanbieder~42']);
      expect(await auditOf(correlationId, 6)).toEqual([
        'authorization.requested done',
        'authorization.sign_in_begun done',
        'authorization.person_asked done',
        'authorization.person_agreed done',
        'authorization.ended granted',
        'POST /oauth/token done',
      ]);
    });

    it('resumes at once what an operator has suspended, and changes nothing else yet', async () => {
      const subject = person();
      const { body } = await front.service.post('/authorizations', authorizedRequest({ subject }));
      const id = body.subscription_id as string;
      const trace = { correlation_id: 'a', causation_id: 'b' };
      const commandBus = front.service.world.app.get(CommandBus, { strict: false });
      await commandBus.execute(new SuspendOrder(id, 'operator', trace, front.service.world.clock.now()));
      const visitor = front.visitor();
      const statement = await visitor.arriveAs(subject, { scope: 'subscribe~30/eenofanderezorgaanbieder~42' });
      backAtClient(await visitor.submit(statement, decision));
      const history = await eventually(async () => {
        const { items } = (
          await front.service.get<{ items: { type: string }[] }>(`/ops/api/subscriptions/${id}/history`)
        ).body;
        expect(items).toHaveLength(3);
        return items;
      });
      expect(history.map(({ type }) => type.replace(/.*subscription\./, ''))).toEqual([
        'started.v1',
        'suspended.v1',
        'resumed.v1',
      ]);
    });

    it('ends the subscription at the confirmation, whatever the availability is, and does not ask about it', async () => {
      const subject = person();
      const { body } = await front.service.post('/authorizations', authorizedRequest({ subject }));
      front.availability.answer = false;
      const { length } = front.availability.asked;
      const visitor = front.visitor();
      const statement = await visitor.arriveAs(subject, ending);
      expect(statement.text).toContain('Wilt u het abonnement stoppen?');
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
      expect(front.availability.asked).toHaveLength(length);
      await eventually(async () => {
        const { status, end_reason: reason } = (
          await front.service.get(`/ops/api/subscriptions/${body.subscription_id as string}`)
        ).body;
        expect([status, reason]).toEqual(['terminated', 'person']);
      });
    });

    it('ends the subscription though another clock dated the consent before it a little ahead', async () => {
      const subject = person();
      const authorized_at = new Date(front.service.world.clock.now().getTime() + 4 * 60_000).toISOString();
      const { body } = await front.service.post('/authorizations', authorizedRequest({ subject, authorized_at }));
      const visitor = front.visitor();
      const statement = await visitor.arriveAs(subject, ending);
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
      const { body: item } = await front.service.get(
        `/ops/api/subscriptions/${body.subscription_id as string}/history`,
      );
      const last = (item.items as { type: string; data: Record<string, unknown> }[]).at(-1)!;
      expect([last.type, last.data.reason, last.data.authorized_at]).toEqual([
        'nl.medmij.subscription.terminated.v1',
        'person',
        authorized_at,
      ]);
    });

    it('ends what never was without recording anything', async () => {
      const before = await front.sql<{ count: string }>('select count(*) from event');
      const visitor = front.visitor();
      const statement = await visitor.arriveAs(person(), ending);
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
      expect(await front.sql('select count(*) from event')).toEqual(before);
    });

    it('asks availability with subject, name space, provider and service, once a person', async () => {
      const visitor = front.visitor();
      const subject = person();
      const { length } = front.availability.asked;
      const landing = await visitor.arrive();
      const statement = await visitor.signIn(landing, { subject });
      const { interaction } = formOf(statement, decision).fields;
      await visitor.get(`/oauth/interaction?id=${interaction}`);
      expect(front.availability.asked.slice(length)).toEqual([
        {
          subject,
          issuer: 'urn:oid:2.16.840.1.113883.2.4.6.3',
          provider: 'eenofanderezorgaanbieder',
          service_id: '42',
        },
      ]);
    });
  });

  describe('answered more than once', () => {
    it('gives both clicks of a double click the same code', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      const { fields } = formOf(statement, decision);
      const answers = await Promise.all(Array.from({ length: 6 }, () => visitor.post(decision, fields)));
      expect(new Set(answers.map(locationOf)).size).toBe(1);
      expect(await grantsOf(correlationId)).toHaveLength(1);
    });

    it('gives no code a second time once the double click is long over', async () => {
      const visitor = front.visitor();
      const statement = await visitor.arriveAs(person());
      await visitor.submit(statement, decision);
      const again = await at(11_000, () => visitor.submit(statement, decision));
      expect([again.status, again.text.includes('U hebt al geantwoord')]).toEqual([200, true]);
    });

    it('stays a no when the back button is followed by a yes', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      const no = await visitor.submit(statement, leave);
      const back = await visitor.get(locationOf(await visitor.submit(statement, decision)));
      expect(locationOf(back)).toBe(locationOf(no));
      expect(await grantsOf(correlationId)).toEqual([]);
    });

    it('stays a yes when the other tab says no', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const statement = await visitor.signIn(landing, { subject: person() });
      const cancelling = await visitor.follow(landing, '/oauth/interaction/cancel');
      backAtClient(await visitor.submit(statement, decision));
      for (const page of [statement, cancelling]) {
        const answer = await visitor.submit(page, leave);
        expect([answer.status, answer.headers.get('location')]).toEqual([200, null]);
        expect(answer.text).toContain('U hebt al geantwoord');
      }
    });

    it('is decided by one of yes and no that come at the same moment', async () => {
      for (let round = 0; round < 10; round += 1) {
        const visitor = front.visitor();
        const statement = await visitor.arriveAs(person());
        const answers = await Promise.all([
          visitor.submit(statement, decision),
          visitor.twin().submit(statement, leave),
        ]);
        const locations = answers.map(({ headers }) => headers.get('location') ?? '');
        const isGranted = locations.some((location) => location.includes('code='));
        const isDenied = locations.some((location) => location.includes('error='));
        expect(isGranted).not.toBe(isDenied);
      }
    });

    it('keeps two tabs of one browser apart', async () => {
      const visitor = front.visitor();
      const landings = [await visitor.arrive({ state: 'first' }), await visitor.arrive({ state: 'second' })];
      const statements = [];
      for (const landing of landings) statements.push(await visitor.signIn(landing, { subject: person() }));
      expect(backAtClient(await visitor.submit(statements[1]!, leave))).toMatchObject({
        state: 'second',
        error: 'access_denied',
      });
      expect(backAtClient(await visitor.submit(statements[0]!, decision))).toMatchObject({
        state: 'first',
        code: expect.any(String),
      });
    });
  });

  describe('that is interrupted', () => {
    it('survives a restart at the landing page and at the statement', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      await front.service.restart();
      const statement = await visitor.signIn(landing, { subject: person() });
      await front.service.restart();
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
    });

    it('is carried out by the next click when the process died between the yes and the code', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      // What the process had written when it died.
      await front.sql('update interaction set decided_at = now() where correlation_id = $1', [correlationId]);
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
    });

    it('has failed when nobody clicks again after that', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      await front.sql('update interaction set decided_at = now() where correlation_id = $1', [correlationId]);
      await at(afterItsTime, async () => {
        await eventually(async () => {
          expect(await itemOf(correlationId)).toMatchObject({ state: 'failed', exception: 'Abonneren 5' });
        });
        const told = backAtClient(await visitor.get(refreshOf(statement).path));
        expect(told).toMatchObject({ error: 'access_denied', error_description: 'Authorization failed.' });
      });
    });

    it('offers to sign in again when the session ended, and goes on where it was', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const statement = await visitor.signIn(landing, { subject: person() });
      for (const name of [...visitor.cookies.keys()]) if (name.startsWith('session-')) visitor.cookies.delete(name);
      const shown = await visitor.get(locationOf(await visitor.submit(statement, decision)));
      expect(shown.text).toContain('Log eerst in');
      const anew = await visitor.signIn(shown, { subject: person() });
      expect(backAtClient(await visitor.submit(anew, decision))).toHaveProperty('code');
    });

    it('lets a person who wanted to cancel go on', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const cancelling = await visitor.follow(landing, '/oauth/interaction/cancel');
      expect(cancelling.text).toContain('Wilt u stoppen?');
      expect((await visitor.follow(cancelling, '/oauth/interaction?')).text).toContain('Log eerst in');
    });
  });

  describe('whose time is up', () => {
    it('goes back by itself from every page, at the moment it expires', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const cancelling = await visitor.follow(landing, '/oauth/interaction/cancel');
      const statement = await visitor.signIn(landing, { subject: person() });
      front.availability.answer = false;
      const refusal = await visitor.arriveAs(person());
      for (const page of [landing, cancelling, statement, refusal]) {
        const { afterS, path } = refreshOf(page);
        expect(afterS).toBeGreaterThan(1_790);
        expect(afterS).toBeLessThanOrEqual(1_802);
        expect(path).toMatch(/^\/oauth\/interaction\/leave\?id=/);
      }
      for (const page of [statement, refusal]) {
        const answer = await at(afterItsTime, () => visitor.get(refreshOf(page).path));
        expect(backAtClient(answer)).toMatchObject({ error: 'access_denied' });
        expect(backAtClient(answer)).not.toHaveProperty('error_description');
      }
    });

    it('takes no yes any more', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      await at(afterItsTime, async () => {
        // The session is over as well by then; what matters is where the browser ends.
        const answer = await visitor.get(locationOf(await visitor.submit(statement, decision)));
        expect(backAtClient(answer)).toMatchObject({ error: 'access_denied' });
      });
      expect(await itemOf(correlationId)).toMatchObject({ state: 'abandoned' });
      expect(await grantsOf(correlationId)).toEqual([]);
    });

    it('takes no yes even while the session still lives', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      const statement = await visitor.arriveAs(person(), { 'X-Correlation-ID': correlationId });
      await front.sql(`update interaction set expires_at = now() - interval '1 second' where correlation_id = $1`, [
        correlationId,
      ]);
      await visitor.submit(statement, decision);
      expect(await itemOf(correlationId)).toMatchObject({ state: 'abandoned' });
      expect(await grantsOf(correlationId)).toEqual([]);
    });

    it('still leads back to the client when its row is long gone, with the same bytes and from any browser', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive({ state: 'kept in the handle' });
      const expired = await at(afterItsTime, () => visitor.get(refreshOf(landing).path));
      const month = 31 * 24 * 60 * 60 * 1_000;
      await at(month, async () => {
        const swept = async () =>
          expect(await front.sql('select 1 from interaction where outcome is not null')).toEqual([]);
        await eventually(swept);
        for (const browser of [visitor, front.visitor()]) {
          for (const path of [refreshOf(landing).path, refreshOf(landing).path.replace('/leave', '')]) {
            const answer = await browser.get(path);
            expect(locationOf(answer)).toBe(locationOf(expired));
          }
        }
      });
      expect(backAtClient(expired)).toMatchObject({ state: 'kept in the handle' });
    });

    it('is abandoned: operators see it, the log says it, and it is counted', async () => {
      const visitor = front.visitor();
      const correlationId = randomUUID();
      await visitor.arrive({ 'X-Correlation-ID': correlationId });
      expect(await itemOf(correlationId)).toMatchObject({ state: 'open', ended_at: null });
      const counted = async () =>
        Number(
          /medmij_authorizations_total\{outcome="abandoned"\} (\d+)/.exec(
            (await front.service.send('GET', '/metrics', {})).text,
          )?.[1] ?? 0,
        );
      const before = await counted();
      await at(afterItsTime, async () => {
        // At once, whoever has noticed it.
        expect((await items('&state=abandoned')).map(({ correlation_id: id }) => id)).toContain(correlationId);
        await eventually(async () => expect(await counted()).toBeGreaterThan(before));
      });
      const item = await itemOf(correlationId);
      expect(item).toMatchObject({ state: 'abandoned', exception: null, left_at: null });
      expect(item!.ended_at).toBe(item!.expires_at);
      expect(front.lines('authorization.ended')).toContainEqual(
        expect.objectContaining({ correlation_id: correlationId, outcome: 'abandoned' }),
      );
    });
  });

  it('tells operators how each ended, newest first and page by page, and nothing of the person', async () => {
    const correlationIds = [randomUUID(), randomUUID()];
    const subject = person();
    const visitor = front.visitor();
    await visitor.submit(await visitor.arriveAs(subject, { 'X-Correlation-ID': correlationIds[0] }), leave);
    front.availability.answer = false;
    await visitor.arriveAs(subject, { 'X-Correlation-ID': correlationIds[1] });
    const refused = await items('&state=refused');
    expect(refused.slice(0, 2)).toMatchObject([
      { correlation_id: correlationIds[1], exception: 'Abonneren 3', left_at: null },
      { correlation_id: correlationIds[0], exception: 'Abonneren 4', left_at: expect.any(String) },
    ]);
    const { next } = (await front.service.get<{ next: string }>('/ops/api/interactions?state=refused&limit=1')).body;
    const second = await front.service.get<{ items: Item[] }>(
      `/ops/api/interactions?state=refused&limit=1&after=${next}`,
    );
    expect(second.body.items).toEqual([refused[1]]);
    expect(JSON.stringify(await items())).not.toContain(subject);
    expect((await front.service.get('/ops/api/interactions?state=everything')).status).toBe(400);
  });
});
