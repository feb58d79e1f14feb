import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { codeFor, consentTo, exchange } from '../authorization/grant-walk';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  accepted,
  amsterdamDate,
  ask,
  historyOf,
  isReady,
  itemOf,
  type Page,
  type Problem,
  resumeClient,
  rowsOf,
  scopeOf,
  holdClient,
  typesOf,
} from './walk';

interface ClientItem {
  code: string;
  client_id: string;
  organisation_name: string | null;
  status: string;
  suspended_at: string | null;
  suspended_reason: string | null;
  active_subscriptions: number;
  oldest_undelivered_at: string | null;
  position: string | null;
}
type Subscription = { subscription_id: string; client_id: string; status: string; suspended_by: string | null };

const clientId = 'localhost';
const reason = { reason_text: 'certificate of another, call 2026-17' };

describe('a client that is suspended as a whole', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    await service.world.otherSide.follow('medmij.clients.v1', 'medmij.dead-letters.v1');
  });
  afterEach(() => resumeClient(service));
  afterAll(() => service.stop());

  const order = (verb: 'suspend' | 'resume', id = clientId, body: object = reason) =>
    service.post<ClientItem>(`/ops/api/clients/${id}/${verb}`, body, 'ops:write');
  const positionOf = async (verb: 'suspend' | 'resume') => {
    const { status, body } = await order(verb);
    expect(status).toBe(200);
    return body.position!;
  };
  const today = (days = 0) => amsterdamDate(service.world.clock.now(), days);

  describe('at POST /authorizations', () => {
    it('gets no subscription and no longer one, but a shorter one and an ending', async () => {
      const subject = somePerson();
      const { subscription_id: id } = await accepted(service, { subject });
      await holdClient(service);
      const refused = { status: 422, body: { code: 'client_suspended' } };
      expect(await ask(service)).toMatchObject(refused);
      for (const days of [200, 180])
        expect(await ask(service, { subject, scope: scopeOf(days) })).toMatchObject(refused);

      const shorter = await accepted(service, { subject, scope: scopeOf(30) });
      expect(shorter).toMatchObject({ subscription_id: id, status: 'suspended', end_date: today(30) });
      const ended = await accepted(service, { subject, scope: scopeOf(0) });
      expect(ended).toMatchObject({ subscription_id: id, status: 'terminated', end_date: today() });
      expect(await ask(service, { subject })).toMatchObject(refused);
      expect(typesOf(await historyOf(service, id, ended.position))).toEqual(['started', 'adjusted', 'terminated']);
    });

    it('is told so only of a request that would be taken otherwise, and a repeat gets the answer it got', async () => {
      const request = authorizedRequest({}, service.world.clock.now());
      const first = await service.post('/authorizations', request);
      await holdClient(service);
      const repeat = await service.post('/authorizations', request);
      expect([repeat.status, repeat.text]).toEqual([200, first.text]);
      const old = { authorized_at: '2020-01-01T00:00:00Z' };
      expect(await ask(service, old)).toMatchObject({ status: 422, body: { code: 'authorization_stale' } });
      const unknown = { scope: scopeOf(1, 'onbekendeaanbieder') };
      expect(await ask(service, unknown)).toMatchObject({ status: 422, body: { code: 'unknown_provider' } });
    });

    it('goes on as before once it is resumed: nothing of its subscriptions has changed', async () => {
      const subject = somePerson();
      const { subscription_id: id, position } = await accepted(service, { subject });
      const before = await itemOf(service, id, position);
      await positionOf('suspend');
      const after = await positionOf('resume');
      expect(await itemOf(service, id, after)).toEqual(before);
      await accepted(service, { subject, scope: scopeOf(200) });
    });
  });

  it('finds its record of the incoming topic among the dead letters, but for an ending', async () => {
    const { otherSide, clock } = service.world;
    const subject = somePerson();
    const { subscription_id: id } = await accepted(service, { subject });
    await holdClient(service);
    const send = (given: object) => {
      const request = authorizedRequest({ ...given }, clock.now());
      const headers = {
        ce_specversion: '1.0',
        ce_id: request.authorization_id,
        ce_source: 'urn:as',
        ce_type: 'nl.medmij.authorization.granted.v1',
        'content-type': 'application/json',
      };
      const value = JSON.stringify(request);
      return otherSide.send('medmij.authorizations.v1', { key: subject, value, headers });
    };
    await send({ subject: somePerson() });
    await send({ subject, scope: scopeOf(0) });
    await eventually(async () => expect((await itemOf(service, id)).status).toBe('terminated'), 30_000);
    const letters = await eventually(() => {
      const found = otherSide.seen.filter(({ topic }) => topic === 'medmij.dead-letters.v1');
      expect(found).toHaveLength(1);
      return found;
    });
    expect(letters[0]!.headers['x-dead-letter-reason']).toBe('client_suspended');
  });

  it('gets no token for a flow that is under way, but does so with the same code when it is resumed in time', async () => {
    const consent = consentTo(service);
    const code = await codeFor(service, consent);
    await holdClient(service);
    const refused = await exchange(service, consent, code);
    expect([refused.status, refused.body]).toEqual([
      400,
      expect.objectContaining({
        error: 'unauthorized_client',
        error_uri: expect.stringMatching(/\/errors\/unauthorized_client$/),
      }),
    ]);
    expect((await exchange(service, consent, randomUUID())).body.error).toBe('unauthorized_client');
    const ending = consentTo(service, { grantedDays: 0 });
    expect((await exchange(service, ending, await codeFor(service, ending))).status).toBe(200);

    await resumeClient(service);
    expect((await exchange(service, consent, code)).status).toBe(200);
  });

  describe('seen by operators', () => {
    const idsOf = async (query: string) => {
      const { body } = await service.get<Page<Subscription>>(`/ops/api/subscriptions?limit=500&${query}`);
      return body.items.map(({ subscription_id: id }) => id);
    };

    it('has its running subscriptions shown as suspended, as soon as the projection has come so far', async () => {
      const { subscription_id: id } = await accepted(service);
      const ended = await accepted(service);
      const subjectOfEnd = somePerson();
      const other = await accepted(service, { subject: subjectOfEnd });
      const { position: last } = await accepted(service, { subject: subjectOfEnd, scope: scopeOf(0) });
      await itemOf(service, id, last);
      const counts = async () =>
        (await service.get<{ subscriptions: Record<string, number> }>('/ops/api/stats')).body.subscriptions;
      const before = await counts();

      const position = await positionOf('suspend');
      expect(await itemOf(service, id, position)).toMatchObject({
        status: 'suspended',
        suspended_by: 'client',
        version: 1,
      });
      expect(await itemOf(service, other.subscription_id)).toMatchObject({ status: 'terminated', suspended_by: null });
      expect(await idsOf(`client_id=${clientId}&status=active&wait_for=${position}`)).toEqual([]);
      expect(await idsOf(`status=suspended`)).toEqual(expect.arrayContaining([id, ended.subscription_id]));
      expect(await counts()).toEqual({ ...before, active: 0, suspended: before.suspended! + before.active! });

      const resumed = await positionOf('resume');
      expect(await itemOf(service, id, resumed)).toMatchObject({ status: 'active', suspended_by: null, version: 1 });
      expect(await counts()).toEqual(before);
    });

    it('shows what each did to it: the item of the client, and a page of all', async () => {
      await accepted(service);
      const listed = (await service.get<Page<ClientItem>>('/ops/api/clients')).body;
      const ids = listed.items.map(({ client_id: id }) => id);
      expect(ids).toEqual([...ids].sort());
      expect(ids).toContain(clientId);
      const one = (await service.get<ClientItem>(`/ops/api/clients/${clientId}`)).body;
      expect(one).toMatchObject({
        client_id: clientId,
        status: 'active',
        suspended_at: null,
        suspended_reason: null,
        whitelisted: true,
        breaker: 'closed',
        endpoints: expect.arrayContaining([
          {
            service_id: '42',
            interface_version: '3.0.0',
            subscription: expect.stringContaining('https://sample-client.example'),
            resource: expect.stringContaining('https://sample-client.example'),
          },
        ]),
      });
      expect(one.organisation_name).toEqual(expect.any(String));
      expect(one.active_subscriptions).toBeGreaterThan(0);

      const pages: string[] = [];
      for (let after = ''; ;) {
        const page = (await service.get<Page<ClientItem>>(`/ops/api/clients?limit=2${after}`)).body;
        pages.push(...page.items.map(({ client_id: id }) => id));
        if (page.next === null) break;
        after = `&after=${page.next}`;
      }
      expect(pages).toEqual(ids);
    });
  });

  describe('by an operator', () => {
    it('is suspended and resumed once, however often it is ordered, and each order is an audit line', async () => {
      const first = await order('suspend');
      const again = await order('suspend');
      expect([first.status, again.status]).toEqual([200, 200]);
      expect(first.body).toMatchObject({ status: 'suspended', suspended_reason: 'operator', client_id: clientId });
      expect(again.body.suspended_at).toBe(first.body.suspended_at);
      expect(again.body.position).toBe(first.body.position);
      const resumed = await order('resume');
      expect(resumed.body).toMatchObject({ status: 'active', suspended_at: null, suspended_reason: null });
      expect((await order('resume')).body.position).toBe(resumed.body.position);
      const lines = service.world.logLines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ msg, client_id: id }) => msg === 'ops.audit' && id === clientId)
        .slice(-4);
      expect(lines.map(({ what, outcome }) => [what, outcome])).toEqual([
        ['client.suspend', 'done'],
        ['client.suspend', 'already_so'],
        ['client.resume', 'done'],
        ['client.resume', 'already_so'],
      ]);
      for (const line of lines)
        expect(line).toMatchObject({ who: expect.anything(), correlation_id: expect.any(String) });
    });

    it('must be known, and the reason be given', async () => {
      for (const id of ['unknown.example', 'LOCALHOST', '%00', 'a'.repeat(300)]) {
        expect(await order('suspend', id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
        expect((await service.get<Problem>(`/ops/api/clients/${id}`)).status).toBe(404);
      }
      for (const body of [{}, { reason_text: '' }, { ...reason, by: 'operator' }, { reason_text: 'two\nlines' }])
        expect(await order('suspend', clientId, body)).toMatchObject({
          status: 400,
          body: { code: 'malformed_request' },
        });
      const reading = await service.post(`/ops/api/clients/${clientId}/suspend`, reason, 'ops:read');
      expect(reading.status).toBe(403);
      expect((await service.get<ClientItem>(`/ops/api/clients/${clientId}`)).body.status).toBe('active');
    });
  });

  it('is on Kafka in the order in which it happened, under its own id', async () => {
    const { otherSide } = service.world;
    await holdClient(service, clientId, 'endpoint_identity');
    await positionOf('resume');
    const events = await rowsOf<{ id: string; type: string; version: number }>(
      service,
      `select event_id as id, type, version from event where type like 'nl.medmij.client.%' order by version`,
    );
    const seen = await eventually(() => {
      const records = otherSide.seen.filter(({ topic }) => topic === 'medmij.clients.v1');
      expect(records).toHaveLength(events.length);
      return records;
    });
    expect(seen.map(({ headers }) => [headers.ce_id, headers.ce_type, headers.ce_streamversion])).toEqual(
      events.map(({ id, type, version }) => [id, type, String(version)]),
    );
    expect(new Set(seen.map(({ partition }) => partition)).size).toBe(1);
    for (const { key, headers } of seen) expect([key, headers.ce_subject]).toEqual([clientId, clientId]);
    expect(seen.slice(-2).map(({ value }) => JSON.parse(value!))).toEqual([
      { client_id: clientId, reason: 'endpoint_identity' },
      { client_id: clientId, reason: 'operator' },
    ]);
  });

  it('stays so over a restart', async () => {
    await holdClient(service);
    await service.restart();
    expect(await ask(service)).toMatchObject({ status: 422, body: { code: 'client_suspended' } });
    await isReady(service);
  });

  it('is suspended in every process', async () => {
    const other = await service.beside({ ROLES: 'api' });
    try {
      expect((await ask(other)).status).toBe(201);
      await order('suspend');
      await eventually(async () =>
        expect(await ask(other)).toMatchObject({ status: 422, body: { code: 'client_suspended' } }),
      );
      expect(await ask(service)).toMatchObject({ status: 422 });
      await order('resume');
      await eventually(async () => expect((await ask(other)).status).toBe(201));
    } finally {
      await other.world.app.close();
    }
  });
});
