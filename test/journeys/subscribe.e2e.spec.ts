import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueToken } from '../../dev/tokens';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, amsterdamDate, ask, historyOf, itemOf, type Problem, recorded, scopeOf, typesOf } from './walk';

describe('an authorized request to subscribe', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  it('starts a subscription, publishes it, shows it and tells the client', async () => {
    const answer = await ask(service, {}, { 'x-correlation-id': 'conversation-1' });
    expect(answer.status).toBe(201);
    const { subscription_id: id, position } = answer.body;
    const endDate = amsterdamDate(new Date(), 180);
    expect(answer.body).toEqual({ subscription_id: id, status: 'active', end_date: endDate, version: 1, position });
    expect(id).toMatch(/^[0-9A-Za-z.-]{1,64}$/);

    expect(await itemOf(service, id, position)).toEqual({
      subscription_id: id,
      client_id: 'localhost',
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      person_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'active',
      end_date: endDate,
      interface_version: '3.0.0',
      version: 1,
      started_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
      end_reason: null,
      suspended_by: null,
    });

    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    const [told] = service.world.dvp.of(id);
    expect(told).toMatchObject({ path: '/subscriptions/Notification', sender: 'medmij-subscriptions' });
    expect(told!.body).toEqual({ subscription_id: id, notification_type: 'subscription', end_date: endDate });
    expect(told!.headers['x-correlation-id']).toBe('conversation-1');

    await service.world.otherSide.follow('medmij.subscriptions.v1');
    await eventually(() => expect(service.world.otherSide.seen).toHaveLength(1));
    expect(service.world.otherSide.seen[0]).toMatchObject({
      key: id.slice(0, 36),
      headers: { ce_type: 'nl.medmij.subscription.started.v1', ce_subject: id, ce_correlationid: 'conversation-1' },
    });
  });

  it('for 1 day is active today and ends tomorrow', async () => {
    const { status, end_date } = await accepted(service, { scope: scopeOf(1) });
    expect([status, end_date]).toEqual(['active', amsterdamDate(new Date(), 1)]);
  });

  it('lasts for the days that were granted, not for those asked', async () => {
    const { end_date } = await accepted(service, { scope: scopeOf(180), granted_days: 30 });
    expect(end_date).toBe(amsterdamDate(new Date(), 30));
  });

  it('counts its days from the day on which the person agreed', async () => {
    const authorized_at = new Date(Date.now() - 3 * 86_400_000);
    const { end_date } = await accepted(service, {
      scope: scopeOf(10),
      authorized_at: authorized_at.toISOString(),
    });
    expect(end_date).toBe(amsterdamDate(authorized_at, 10));
  });

  it('is about another subscription at another provider or service, of the same person', async () => {
    const subject = somePerson();
    const first = await accepted(service, { subject });
    const second = await accepted(service, { subject, scope: scopeOf(90, 'anderezorgaanbieder', '43') });
    const third = await accepted(service, { subject, scope: scopeOf(7, 'aanbiederkort') });
    const other = await accepted(service, { subject, client_id: 'not-whitelisted.example' });
    const all = [first, second, third, other];
    expect(new Set(all.map(({ subscription_id: id }) => id.slice(0, 36))).size).toBe(4);
    const items = await Promise.all(all.map(({ subscription_id: id, position }) => itemOf(service, id, position)));
    expect(new Set(items.map(({ person_id }) => person_id)).size).toBe(1);
  });

  it('knows a person by namespace and subject, the BSN being the namespace when none is named', async () => {
    const subject = somePerson();
    const named = await accepted(service, { subject, issuer: 'urn:oid:2.16.840.1.113883.2.4.6.3' });
    const unnamed = await accepted(service, { subject, scope: scopeOf(10) });
    const elsewhere = await accepted(service, { subject, issuer: 'https://other.example' });
    expect(unnamed).toMatchObject({ subscription_id: named.subscription_id, version: 2 });
    expect(elsewhere.subscription_id).not.toBe(named.subscription_id);
    const [one, two] = await Promise.all(
      [unnamed, elsewhere].map(({ subscription_id: id, position }) => itemOf(service, id, position)),
    );
    expect(one!.person_id).not.toBe(two!.person_id);
  });

  it('never makes two active subscriptions of one person, however many come at once', async () => {
    const subject = somePerson();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => ask(service, { subject, scope: scopeOf(n + 1) })),
    );
    // One moment may be older than what was applied meanwhile: then it is refused as stale, and nothing else.
    for (const { status, body } of answers)
      expect(status === 201 || body.code === 'authorization_stale' ? true : [status, body.code]).toBe(true);
    const done = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(new Set(done.map(({ subscription_id: id }) => id)).size).toBe(1);
    expect(done.map(({ version }) => version).sort((a, b) => a - b)).toEqual(done.map((_, index) => index + 1));
    const last = done.reduce((latest, one) => (one.position > latest.position ? one : latest));
    const history = await historyOf(service, last.subscription_id, last.position);
    expect(typesOf(history)).toEqual(['started', ...done.slice(1).map(() => 'adjusted')]);
    expect(history.at(-1)!.data.end_date).toBe(last.end_date);
  });

  it('passes its ids on, and makes those that are missing', async () => {
    const sent = await ask(service, {}, { 'medmij-request-id': 'request-1', 'x-correlation-id': 'conversation-2' });
    expect(sent.headers.get('medmij-request-id')).toBe('request-1');
    expect(sent.headers.get('x-correlation-id')).toBe('conversation-2');
    const made = await ask(service);
    for (const name of ['medmij-request-id', 'x-correlation-id'])
      expect(made.headers.get(name)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect((await ask(service, {}, { 'x-correlation-id': 'two words' })).body.code).toBe('malformed_request');
  });

  describe('is refused', () => {
    const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
      service
        .token('authorizations:write')
        .then((token) =>
          service.send<Problem>(
            'POST',
            '/authorizations',
            { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
            body,
          ),
        );

    it.each<[string, object, string]>([
      ['without an authorization_id', { authorization_id: undefined }, 'authorization_id'],
      ['with an empty authorization_id', { authorization_id: '' }, 'authorization_id'],
      ['with an authorization_id of 129 characters', { authorization_id: 'a'.repeat(129) }, 'authorization_id'],
      ['with a line end in its authorization_id', { authorization_id: 'a\nb' }, 'authorization_id'],
      ['without a subject', { subject: undefined }, 'subject'],
      ['with a subject of 256 characters', { subject: '9'.repeat(256) }, 'subject'],
      ['with a number for a subject', { subject: 999990019 }, 'subject'],
      ['with an empty issuer', { issuer: '' }, 'issuer'],
      ['without a moment', { authorized_at: undefined }, 'authorized_at'],
      ['with a moment without a zone', { authorized_at: '2026-01-01T10:00:00' }, 'authorized_at'],
      ['with a day that does not exist', { authorized_at: '2026-02-30T10:00:00Z' }, 'authorized_at'],
      ['with half a day granted', { granted_days: 0.5 }, 'granted_days'],
      ['with negative days granted', { granted_days: -1 }, 'granted_days'],
      ['without a client', { client_id: undefined }, 'client_id'],
      ['without a scope', { scope: undefined }, 'scope'],
      ['with a field nobody knows', { colour: 'green' }, 'colour'],
    ])('%s', async (_, given, path) => {
      const answer = await post(JSON.stringify({ ...authorizedRequest(), ...given }));
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        400,
        'application/problem+json; charset=utf-8',
      ]);
      expect(answer.body).toMatchObject({ code: 'malformed_request', status: 400 });
      expect(answer.body.type).toMatch(/\/errors\/malformed_request$/);
      expect(answer.body.errors.map((fault) => fault.path)).toContain(path);
    });

    it('when it is no JSON object, no UTF-8, of another type, too large, or says something in its address', async () => {
      const good = JSON.stringify(authorizedRequest());
      const codeOf = async (body: string | Buffer, headers?: Record<string, string>) =>
        (await post(body, headers)).body.code;
      for (const body of ['', '{', '[]', 'null', '"text"', `${good}${good}`])
        expect([body, await codeOf(body)]).toEqual([body, 'malformed_request']);
      expect(await codeOf(Buffer.from(good.replace('localhost', 'local\u00ff'), 'latin1'))).toBe('malformed_request');
      expect(await codeOf(good, { 'content-type': 'text/plain' })).toBe('unsupported_media_type');
      expect(await codeOf(good, { 'content-type': 'application/json; charset=latin1' })).toBe('unsupported_media_type');
      expect(await codeOf(`${good}${' '.repeat(65_536)}`)).toBe('payload_too_large');
      const inAddress = await service.post<Problem>('/authorizations?subject=1', authorizedRequest());
      expect([inAddress.status, inAddress.body.errors[0]?.path]).toEqual([400, 'subject']);
    });

    it('without a token that is good for it', async () => {
      const { dataDir } = service.world;
      const scopes = ['authorizations:write'] as const;
      const body = JSON.stringify(authorizedRequest());
      const withToken = (authorization?: string) =>
        service.send<Problem>(
          'POST',
          '/authorizations',
          { 'content-type': 'application/json', ...(authorization && { authorization }) },
          body,
        );
      const none = await withToken();
      expect([none.status, none.headers.get('www-authenticate'), none.body.code]).toEqual([
        401,
        'Bearer',
        'unauthenticated',
      ]);
      // RFC 6750 section 3.1: no error code for a caller that tried another scheme.
      const other = await withToken('Basic YTpi');
      expect([other.status, other.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      const bad = [
        'Bearer nonsense',
        `Bearer ${await issueToken({ dataDir, scopes, lifetimeS: -60 })}`,
        `Bearer ${await issueToken({ dataDir, scopes, claims: { aud: 'others' } })}`,
        `Bearer ${await issueToken({ dataDir, scopes, claims: { iss: 'https://others.example' } })}`,
        `Bearer ${await issueToken({ dataDir, scopes, claims: { exp: undefined } })}`,
        `Bearer ${(await issueToken({ dataDir, scopes })).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))}`,
        `Bearer ${unsigned(await issueToken({ dataDir, scopes }))}`,
      ];
      for (const authorization of bad) {
        const answer = await withToken(authorization);
        expect([authorization.slice(0, 20), answer.status, answer.headers.get('www-authenticate')]).toEqual([
          authorization.slice(0, 20),
          401,
          expect.stringContaining('error="invalid_token"'),
        ]);
      }
      for (const scope of ['ops:read', 'ops:write', 'resource-changes:write'] as const) {
        const answer = await service.post<Problem>('/authorizations', authorizedRequest(), scope);
        expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
      }
      const inAddress = await service.send('POST', `/authorizations?access_token=${randomUUID()}`, {}, undefined);
      expect(inAddress.status).toBe(401);
    });

    it('by another method or path', async () => {
      const method = await service.send<Problem>('GET', '/authorizations', {});
      expect([method.status, method.headers.get('allow'), method.body.code]).toEqual([
        405,
        'POST',
        'method_not_allowed',
      ]);
      const path = await service.send<Problem>('GET', '/nothing-here', {});
      expect([path.status, path.body.code]).toEqual([404, 'not_found']);
    });

    it('and then records nothing at all', async () => {
      const before = await recorded(service);
      await post(JSON.stringify({ ...authorizedRequest(), colour: 'green' }));
      await ask(service, { client_id: 'unknown-client.example' });
      await service.post('/authorizations', authorizedRequest(), 'ops:read');
      expect(await recorded(service)).toEqual(before);
    });
  });
});

/** The same claims under `alg: none`. */
function unsigned(token: string): string {
  const [, claims] = token.split('.');
  return `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')}.${claims}.`;
}
