import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { type Consent, Grants } from '../../src/grants';
import { PersonIdentities } from '../../src/persons';
import { ReapproveOrder, ResumeOrder, SuspendOrder } from '../../src/subscriptions';
import { call as callWith, codeFor, consentTo, tokenFor } from '../authorization/grant-walk';
import type { RefusalCode } from '../../src/refusals';
import { expectProblem, expectQuietLog, publicUrl } from '../contract/attack';
import { type Answer, somePerson, TestService } from '../support/app';
import { amsterdamDate, amsterdamMidnight, type Problem, resumeClient, rowsOf, suspendClient, typesOf } from './walk';

interface Body extends Problem {
  subscription_id: string;
  end_date: string;
}

const trace = { correlation_id: 'conversation', causation_id: 'request' };
const anywhere = `${randomUUID()}.1`;

/** Nothing but the API runs: whatever is answered comes from the log itself, not from a projection. */
describe('the Subscription interface', () => {
  let service: TestService;
  const subjects = new Set<string>();
  const tokens = new Set<string>();
  beforeAll(async () => {
    service = await TestService.start({ ROLES: 'api', PUBLIC_URL: publicUrl });
  });
  afterAll(() => service.stop());

  async function token(given: Partial<Consent> = {}): Promise<string> {
    const person = given.person ?? { subject: somePerson() };
    const accessToken = await tokenFor(service, { ...given, person });
    subjects.add(person.subject);
    tokens.add(accessToken);
    return accessToken;
  }
  const call = (method: string, path: string, accessToken?: string, body?: unknown) =>
    callWith<Body>(service, method, path, accessToken, body);
  const start = (accessToken: string, body?: unknown) => call('POST', '/Subscription', accessToken, body);
  /** A running subscription of the ordinary kind, and its token. */
  async function running(given: Partial<Consent> = {}, body?: unknown) {
    const accessToken = await token(given);
    const answer = await start(accessToken, body);
    expect([answer.status, answer.body.code]).toEqual([201, undefined]);
    return { accessToken, id: answer.body.subscription_id, path: `/Subscription/${answer.body.subscription_id}` };
  }
  const inDays = (days: number) => amsterdamDate(service.world.clock.now(), days);
  async function eventsOf(id: string) {
    const rows = await rowsOf<{ type: string; data: Record<string, unknown>; occurred_at: Date }>(
      service,
      `select type, data, occurred_at from event where data ->> 'subscription_id' = $1 order by version`,
      [id],
    );
    return rows;
  }
  const eventTypes = async (id: string) => typesOf(await eventsOf(id));
  const order = (work: ConstructorParameters<typeof SuspendOrder>[0], by: 'provider' | 'operator') =>
    service.world.app.get(CommandBus).execute(new SuspendOrder(work, by, trace, service.world.clock.now()));
  const expectRefused = (answer: Answer<Body>, code: RefusalCode) => {
    for (const subject of subjects) expect(answer.text).not.toContain(subject);
    return expectProblem(answer as unknown as Answer, code);
  };

  describe('POST', () => {
    it('starts a subscription for all that was granted: 201, its id and end date, and where it is', async () => {
      const authorizationId = randomUUID();
      const accessToken = await token({ authorizationId, grantedDays: 180 });
      const answer = await start(accessToken, {});
      expect([answer.status, answer.body]).toEqual([
        201,
        { subscription_id: expect.stringMatching(/^[A-Za-z0-9.-]{1,64}$/), end_date: inDays(180) },
      ]);
      expect(answer.headers.get('location')).toBe(`/Subscription/${answer.body.subscription_id}`);
      const [event] = await eventsOf(answer.body.subscription_id);
      expect(event!.data).toMatchObject({
        client_id: 'localhost',
        provider: 'eenofanderezorgaanbieder',
        service_id: '42',
        interface_version: '3.0.0',
        end_date: inDays(180),
        authorization_id: authorizationId,
      });
    });

    it('needs no body, and takes a shorter end date than was granted', async () => {
      const none = await start(await token({ grantedDays: 30 }));
      expect([none.status, none.body.end_date]).toEqual([201, inDays(30)]);
      const shorter = await start(await token({ grantedDays: 30 }), { end_date: inDays(1) });
      expect([shorter.status, shorter.body.end_date]).toEqual([201, inDays(1)]);
    });

    it('repeated with the same token answers 200 with the present state, and has no second effect', async () => {
      const { accessToken, id, path } = await running();
      const again = await start(accessToken);
      expect([again.status, again.body]).toEqual([200, { subscription_id: id, end_date: inDays(180) }]);
      expect(again.headers.get('location')).toBeNull();
      await call('PATCH', path, accessToken, { end_date: inDays(20) });
      const afterwards = await start(accessToken, { end_date: inDays(90) });
      expect([afterwards.status, afterwards.body]).toEqual([200, { subscription_id: id, end_date: inDays(20) }]);
      expect(await eventTypes(id)).toEqual(['started', 'adjusted']);
    });

    it('of twenty at once with one token starts one subscription', async () => {
      const accessToken = await token();
      const answers = await Promise.all(Array.from({ length: 20 }, () => start(accessToken)));
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
      const ids = new Set(answers.map(({ body }) => body.subscription_id));
      expect(ids.size).toBe(1);
      expect(await eventTypes([...ids][0]!)).toEqual(['started']);
    });

    it('with a fresh grant changes the running subscription, and says 200 when it stands so already', async () => {
      const person = { subject: somePerson() };
      const { id } = await running({ person, grantedDays: 180 });
      const same = await start(await token({ person, grantedDays: 180 }));
      expect([same.status, same.body]).toEqual([200, { subscription_id: id, end_date: inDays(180) }]);
      const changed = await start(await token({ person, grantedDays: 30 }));
      expect([changed.status, changed.body]).toEqual([201, { subscription_id: id, end_date: inDays(30) }]);
      expect(await eventTypes(id)).toEqual(['started', 'adjusted']);
    });

    it('after the end is 422 with the old token, and starts the next one with a new grant', async () => {
      const person = { subject: somePerson() };
      const { accessToken, id, path } = await running({ person });
      await call('DELETE', path, accessToken);
      expectRefused(await start(accessToken), 'not_subscribed');
      const next = await running({ person });
      expect(next.id).toBe(id.replace(/\.1$/, '.2'));
      // The old one is ended for the new token too, and the old token has nothing to say over the new one's beginning.
      expect((await call('GET', path, next.accessToken)).body).toMatchObject({ status: 'terminated' });
      expectRefused(await start(accessToken), 'not_subscribed');
    });

    it.each([
      ['beyond what was granted', 31, 'end_date_beyond_grant'],
      ['in the past', -1, 'end_date_in_past'],
      ['of today, when there is nothing to end', 0, 'not_subscribed'],
    ] as const)('refuses an end date %s', async (_what, days, code) => {
      const accessToken = await token({ grantedDays: 30 });
      expectRefused(await start(accessToken, { end_date: inDays(days) }), code);
      // Nothing was recorded, and the token is as good as before.
      expect((await start(accessToken)).status).toBe(201);
    });

    it('is refused when the person agreed to something later that took effect, or ended it since', async () => {
      const person = { subject: somePerson() };
      const older = await token({ person, grantedDays: 365 });
      service.world.clock.advance(1_000);
      const { accessToken, path } = await running({ person, grantedDays: 30 });
      expectRefused(await start(older), 'authorization_stale');
      expectRefused(await call('PATCH', path, older, { end_date: inDays(200) }), 'authorization_stale');
      service.world.clock.advance(1_000);
      const between = await token({ person });
      service.world.clock.advance(1_000);
      await call('DELETE', path, accessToken);
      expectRefused(await start(between), 'authorization_stale');
    });
  });

  describe.each(['PATCH', 'PUT'])('%s', (method) => {
    it('moves the end date, shorter and longer within the grant', async () => {
      const { accessToken, id, path } = await running({ grantedDays: 90 });
      for (const days of [10, 90, 45]) {
        const { status, body } = await call(method, path, accessToken, { end_date: inDays(days) });
        expect([status, body]).toEqual([200, { subscription_id: id, end_date: inDays(days) }]);
      }
      expect(await eventTypes(id)).toEqual(['started', 'adjusted', 'adjusted', 'adjusted']);
    });

    it('to the present end date is 200 and records nothing', async () => {
      const { accessToken, id, path } = await running();
      expect((await call(method, path, accessToken, { end_date: inDays(180) })).status).toBe(200);
      expect(await eventTypes(id)).toEqual(['started']);
    });

    it('to today ends it, on behalf of the person', async () => {
      const { accessToken, id, path } = await running();
      const { status, body } = await call(method, path, accessToken, { end_date: inDays(0) });
      expect([status, body]).toEqual([200, { subscription_id: id, end_date: inDays(0) }]);
      const events = await eventsOf(id);
      expect(typesOf(events)).toEqual(['started', 'terminated']);
      expect(events[1]!.data).toMatchObject({ reason: 'person', end_date: inDays(0) });
    });

    it('refuses an end date beyond the grant or in the past', async () => {
      const { accessToken, id, path } = await running({ grantedDays: 90 });
      expectRefused(await call(method, path, accessToken, { end_date: inDays(91) }), 'end_date_beyond_grant');
      expectRefused(await call(method, path, accessToken, { end_date: inDays(-1) }), 'end_date_in_past');
      expect(await eventTypes(id)).toEqual(['started']);
    });

    it('is 422 once the subscription has ended, by hand or by its date', async () => {
      const { accessToken, path } = await running();
      await call('DELETE', path, accessToken);
      expectRefused(await call(method, path, accessToken, { end_date: inDays(10) }), 'not_subscribed');
      const person = { subject: somePerson() };
      const short = await running({ person }, { end_date: inDays(1) });
      service.world.clock.advance(86_400_000);
      const later = await token({ person });
      expectRefused(await call(method, short.path, later, { end_date: inDays(10) }), 'not_subscribed');
      expect((await call('GET', short.path, later)).body).toMatchObject({ status: 'expired' });
    });

    it.each<[string, unknown]>([
      ['no end date', {}],
      ['no date', { end_date: '2026-02-30' }],
      ['a moment', { end_date: '2026-03-01T00:00:00Z' }],
      ['a number', { end_date: 20261231 }],
      ['null', { end_date: null }],
      ['another field', { end_date: '2026-12-31', status: 'active' }],
      ['a list', ['2026-12-31']],
      ['a token in the body', { end_date: '2026-12-31', access_token: 'x' }],
    ])('is 400 with %s, which the challenge calls invalid_request', async (_what, body) => {
      const { accessToken, path } = await running();
      const answer = await call(method, path, accessToken, body);
      expectRefused(answer, 'malformed_request');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_request", /);
    });
  });

  describe('DELETE', () => {
    it('ends it on behalf of the person: 204 without a body, and again 204', async () => {
      const { accessToken, id, path } = await running();
      for (const expected of [204, 204]) {
        const answer = await call('DELETE', path, accessToken);
        expect([answer.status, answer.text]).toEqual([expected, '']);
      }
      const events = await eventsOf(id);
      expect(typesOf(events)).toEqual(['started', 'terminated']);
      expect(events[1]!.data).toMatchObject({ reason: 'person', end_date: inDays(0) });
      const shown = await call('GET', path, accessToken);
      expect([shown.status, shown.body]).toEqual([
        200,
        { subscription_id: id, end_date: inDays(0), status: 'terminated' },
      ]);
    });

    it('of one that has ended already leaves its successor alone', async () => {
      const person = { subject: somePerson() };
      const first = await running({ person });
      await call('DELETE', first.path, first.accessToken);
      const second = await running({ person });
      expect((await call('DELETE', first.path, second.accessToken)).status).toBe(204);
      expect(await eventTypes(second.id)).toEqual(['started']);
    });
  });

  it('GET shows id, end date and status as they were recorded a moment ago', async () => {
    const { accessToken, id, path } = await running();
    await call('PATCH', path, accessToken, { end_date: inDays(3) });
    const { status, body } = await call('GET', path, accessToken);
    expect([status, body]).toEqual([200, { subscription_id: id, end_date: inDays(3), status: 'active' }]);
  });

  it('starts by the calendar of Amsterdam, on the day on which the person agreed', async () => {
    const { clock } = service.world;
    const midnight = amsterdamMidnight(inDays(1));
    clock.set(new Date(midnight.getTime() - 60_000));
    const eve = inDays(0);
    const person = { subject: somePerson() };
    const accessToken = await token({ person, grantedDays: 2 });
    clock.set(new Date(midnight.getTime() + 60_000));
    expect(inDays(-1)).toBe(eve);
    const answer = await start(accessToken);
    // Two days from the eve: what was agreed to, though it began after midnight.
    expect([answer.status, answer.body.end_date]).toEqual([201, inDays(1)]);
    const path = `/Subscription/${answer.body.subscription_id}`;
    expectRefused(await call('PATCH', path, accessToken, { end_date: inDays(2) }), 'end_date_beyond_grant');
    clock.set(new Date(amsterdamMidnight(inDays(1)).getTime() - 1_000));
    const later = await token({ person });
    expect((await call('GET', path, later)).body).toMatchObject({ status: 'active' });
    clock.advance(2_000);
    expect((await call('GET', path, later)).body).toMatchObject({ status: 'expired' });
  });

  describe('with a token of 0 days', () => {
    it('allows to read and to end, and nothing else: insufficient_scope', async () => {
      const person = { subject: somePerson() };
      const { id, path } = await running({ person });
      const ending = await token({ person, grantedDays: 0 });
      expect((await call('GET', path, ending)).body).toMatchObject({ status: 'active' });
      const refused = [
        await start(ending),
        await call('PATCH', path, ending, { end_date: inDays(1) }),
        await call('PUT', path, ending, { end_date: inDays(1) }),
      ];
      for (const answer of refused) {
        expectRefused(answer, 'forbidden');
        expect(answer.headers.get('www-authenticate')).toBe(
          `Bearer error="insufficient_scope", error_description="The credentials do not allow this", error_uri="${publicUrl}/errors/insufficient_scope"`,
        );
      }
      expect((await call('DELETE', path, ending)).status).toBe(204);
      expect((await call('GET', path, ending)).body).toMatchObject({ status: 'terminated' });
      expect(await eventTypes(id)).toEqual(['started', 'terminated']);
    });
  });

  /** Status, body and all headers; the ids are the same for all, and the second may turn over in between. */
  async function bytesOf(method: string, path: string, accessToken: string | undefined, body?: unknown) {
    const answer = await service.send(
      method,
      path,
      {
        'MedMij-Request-ID': 'same',
        'X-Correlation-ID': 'same',
        ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body === undefined ? undefined : JSON.stringify(body),
    );
    const headers = [...answer.headers].filter(([name]) => name !== 'date');
    return JSON.stringify([answer.status, headers, answer.text]);
  }

  it.each<[string, Partial<Consent>]>([
    ['another person', {}],
    ['another client', { clientId: 'sample-client.example' }],
    ['another provider', { provider: 'aanbiederkort' }],
    ['another service', { serviceId: '43' }],
  ])('does not tell the subscription of %s from one that does not exist', async (_what, other) => {
    const person = { subject: somePerson() };
    const { path, id } = await running({ person });
    const foreign = await strange({ ...(Object.keys(other).length > 0 && { person }), ...other });
    for (const [method, body] of [
      ['GET', undefined],
      ['DELETE', undefined],
      ['PATCH', { end_date: inDays(1) }],
      ['PUT', { end_date: inDays(1) }],
    ] as const) {
      const answer = await bytesOf(method, path, foreign, body);
      for (const nowhere of [anywhere, `${id.slice(0, -2)}.2`, `${id.slice(0, -2)}.0`, 'x', 'x'.repeat(200)]) {
        expect(await bytesOf(method, `/Subscription/${nowhere}`, foreign, body)).toBe(answer);
      }
      expect(JSON.parse(answer)).toEqual([404, expect.anything(), expect.stringContaining('"not_found"')]);
    }
    expect(await eventTypes(id)).toEqual(['started']);
  });
  /** A token for whatever, also for a client that would get none at the door. */
  async function strange(given: Partial<Consent>): Promise<string> {
    const consent = consentTo(service, given);
    const code = await codeFor(service, consent);
    return (await service.world.app.get(Grants).exchange({ ...consent, code })).accessToken;
  }

  describe.each(['client', 'provider', 'operator'] as const)('while suspended by the %s', (by) => {
    const suspend = (id: string) => (by === 'client' ? suspendClient(service) : order(id, by));
    const begun = by === 'client' ? ['started'] : ['started', 'suspended'];
    afterEach(() => resumeClient(service));

    it('answers like a token that never was, to the byte', async () => {
      const person = { subject: somePerson() };
      const { accessToken, path, id } = await running({ person });
      const fresh = await token({ person, grantedDays: 365 });
      const ending = await token({ person, grantedDays: 0 });
      const over = await running();
      await call('DELETE', over.path, over.accessToken);
      await suspend(id);
      for (const [method, target, body] of [
        ['GET', path, undefined],
        ['POST', '/Subscription', undefined],
        ['POST', '/Subscription', { end_date: inDays(190) }],
        ['POST', '/Subscription', { end_date: inDays(-3) }],
        ['POST', '/Subscription', { end_date: 'soon' }],
        ['PATCH', path, { end_date: inDays(200) }],
        ['PATCH', path, { end_date: inDays(180) }],
        ['PUT', path, { end_date: inDays(-1) }],
        ['PUT', path, { end_date: 1 }],
      ] as const) {
        const unknown = await bytesOf(method, target, randomUUID(), body);
        expect(JSON.parse(unknown)).toEqual([401, expect.anything(), expect.stringContaining('"unauthenticated"')]);
        for (const one of [accessToken, fresh]) expect(await bytesOf(method, target, one, body)).toBe(unknown);
      }
      const refused = await bytesOf('PATCH', path, ending, { end_date: inDays(1) });
      expect(refused).toBe(await bytesOf('PATCH', path, randomUUID(), { end_date: inDays(1) }));
      if (by === 'client') {
        for (const target of [anywhere, over.id].map((one) => `/Subscription/${one}`)) {
          const unknown = await bytesOf('GET', target, randomUUID());
          for (const one of [accessToken, over.accessToken]) expect(await bytesOf('GET', target, one)).toBe(unknown);
        }
      }
      expect(await eventTypes(id)).toEqual(begun);
    });

    it('accepts what shortens or ends it', async () => {
      const person = { subject: somePerson() };
      const { accessToken, path, id } = await running({ person });
      const short = await token({ person, grantedDays: 10 });
      await suspend(id);
      const shorter = await call('PATCH', path, accessToken, { end_date: inDays(20) });
      expect([shorter.status, shorter.body]).toEqual([200, { subscription_id: id, end_date: inDays(20) }]);
      const fresh = await start(short);
      expect([fresh.status, fresh.body]).toEqual([201, { subscription_id: id, end_date: inDays(10) }]);
      expect((await call('DELETE', path, accessToken)).status).toBe(204);
      expect(await eventTypes(id)).toEqual([...begun, 'adjusted', 'adjusted', 'terminated']);
    });
  });

  it('goes on after a re-approval at the confirmation, or when whoever suspended it resumes it', async () => {
    const person = { subject: somePerson() };
    const { accessToken, path, id } = await running({ person });
    const { app, clock } = service.world;
    await order(id, 'provider');
    const consent = { authorizationId: randomUUID(), authorizedAt: clock.now() };
    const party = { clientId: 'localhost', provider: 'eenofanderezorgaanbieder', serviceId: '42' };
    const identity = app.get(PersonIdentities, { strict: false }).of(person.subject);
    await app.get(CommandBus).execute(new ReapproveOrder(identity, party, consent, trace, clock.now()));
    const shown = await call('GET', path, accessToken);
    expect([shown.status, shown.body]).toEqual([200, expect.objectContaining({ status: 'active' })]);
    const changed = await start(await token({ person, ...consent, grantedDays: 200 }));
    expect([changed.status, changed.body]).toEqual([201, { subscription_id: id, end_date: inDays(200) }]);

    await order(id, 'operator');
    await app.get(CommandBus).execute(new ResumeOrder(id, 'operator', trace, clock.now()));
    expect((await call('GET', path, accessToken)).status).toBe(200);
    expect(await eventTypes(id)).toEqual(['started', 'suspended', 'resumed', 'adjusted', 'suspended', 'resumed']);
  });

  describe('as RFC 6750 section 3 says', () => {
    const challenge = (answer: Answer<Body>) => answer.headers.get('www-authenticate');
    const invalidToken = `Bearer error="invalid_token", error_description="No valid credentials were presented", error_uri="${publicUrl}/errors/invalid_token"`;

    it('challenges barely a request that lacks any authentication information', async () => {
      const basic = { authorization: 'Basic eDp5' };
      const answers = [
        await call('GET', `/Subscription/${anywhere}`),
        await start(undefined as unknown as string),
        await service.send<Body>('GET', `/Subscription/${anywhere}`, basic),
        await service.send<Body>('GET', `/Subscription/${anywhere}?access_token=${await token()}`, {}),
      ];
      for (const answer of answers) {
        expectRefused(answer, 'unauthenticated');
        expect(challenge(answer)).toBe('Bearer');
      }
    });

    it('answers invalid_token to one that is expired, revoked, malformed, or invalid for other reasons', async () => {
      const expired = await token();
      service.world.clock.advance(900_000);
      const jwt = await service.token('authorizations:write');
      for (const bad of [expired, randomUUID(), 'x', jwt, '', 'a b', (await token()).toUpperCase()]) {
        const answer = await call('GET', `/Subscription/${anywhere}`, bad);
        expectRefused(answer, 'unauthenticated');
        expect(challenge(answer)).toBe(invalidToken);
      }
    });

    it('answers invalid_request to a token that is sent in two ways, or a request that is otherwise malformed', async () => {
      const { accessToken, path } = await running();
      const answers = [
        await call('GET', `${path}?access_token=${accessToken}`, accessToken),
        await call('GET', `${path}?access_token=x`, accessToken),
        await call('POST', '/Subscription', accessToken, { access_token: accessToken }),
        await call('GET', `${path}?foo=bar`, accessToken),
        await call('POST', '/Subscription?foo=bar', accessToken),
        await call('DELETE', path, accessToken, { reason: 'none' }),
      ];
      for (const answer of answers) {
        expectRefused(answer, 'malformed_request');
        expect(challenge(answer)).toBe(
          `Bearer error="invalid_request", error_description="The request is malformed", error_uri="${publicUrl}/errors/invalid_request"`,
        );
      }
    });

    it('takes the token in the header whatever the letters of the scheme', async () => {
      const { accessToken, path } = await running();
      const answer = await service.send('GET', path, { authorization: `bearer ${accessToken}` });
      expect(answer.status).toBe(200);
    });

    it('has no problem with a token where the fault is another', async () => {
      const { accessToken, path } = await running();
      const form = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await service.send<Body>('PATCH', path, form, 'end_date=2026-12-31');
      expectRefused(answer, 'unsupported_media_type');
      expect(challenge(answer)).toBeNull();
    });
  });

  it('tells operators in the log what a client is not told: why a token was refused, and what was done with it', async () => {
    const { accessToken, id, path } = await running();
    await call('PATCH', path, accessToken, { end_date: inDays(-1) });
    await order(id, 'operator');
    await call('GET', path, accessToken);
    await call('PATCH', path, accessToken, { end_date: inDays(200) });
    await call('DELETE', path, accessToken);
    service.world.clock.advance(900_000);
    await call('GET', path, accessToken);
    await call('GET', path, randomUUID());
    const lines = service.world.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ msg }) => /^(subscription|access_token)\./.test(String(msg))).slice(-7)).toMatchObject([
      { msg: 'subscription.ordered', what: 'take_up', client_id: 'localhost', subscription_id: id, recorded: true },
      { msg: 'subscription.refused', what: 'adjust', subscription_id: id, error: 'end_date_in_past' },
      { msg: 'access_token.refused', what: 'show', reason: 'suspended' },
      { msg: 'access_token.refused', what: 'adjust', reason: 'suspended' },
      { msg: 'subscription.ordered', what: 'end', recorded: true, status: 'terminated' },
      { msg: 'access_token.refused', reason: 'expired' },
      { msg: 'access_token.refused', reason: 'unknown' },
    ]);
  });

  it('has written no person and no token anywhere', () => {
    expect(subjects.size).toBeGreaterThan(20);
    expectQuietLog(service.world, ...subjects, ...tokens);
  });
});
