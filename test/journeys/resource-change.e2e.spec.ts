import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client } from '../medmij-lists/list-xml';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { ListFolder } from '../support/list-folder';
import { accepted, deliveriesOf, isReady, type Problem, rowsOf, scopeOf, suspend } from './walk';

const second = 'second-app.example';
const provider = 'eenofanderezorgaanbieder';

describe('a resource change', () => {
  let service: TestService;
  let lists: ListFolder;
  beforeAll(async () => {
    lists = await ListFolder.make();
    const endpoints = {
      subscription: 'https://sample-client.example/second/s',
      resource: 'https://sample-client.example/second/r',
    };
    await lists.publish('clients', (text) =>
      text.replace('</OAuthclients>', `${client(second, endpoints, { ...endpoints, id: '43' })}</OAuthclients>`),
    );
    service = await TestService.start(lists.env);
    await isReady(service);
  });
  afterAll(async () => {
    await service.stop();
    await lists.remove();
  });

  const change = (given: Record<string, unknown> = {}) => ({
    change_id: randomUUID(),
    subject: somePerson(),
    provider,
    service_id: '42',
    available_at: service.world.clock.now().toISOString(),
    ...given,
  });
  const tell = (body: unknown, headers?: Record<string, string>) =>
    service.post<{ notifications: number } & Problem>('/resource-changes', body, 'resource-changes:write', headers);
  const told = async (body: unknown): Promise<number> => {
    const answer = await tell(body);
    expect([answer.status, answer.body.code]).toEqual([202, undefined]);
    expect(Object.keys(answer.body)).toEqual(['notifications']);
    return answer.body.notifications;
  };
  const subscribed = (subject: string, given: Record<string, unknown> = {}) =>
    accepted(service, { subject, ...given }).then(({ subscription_id: id }) => id);
  const resourcesOf = (id: string) =>
    service.world.dvp.of(id).filter(({ body }) => body.notification_type === 'resource');

  it('is told to every client with an active subscription of that person, at its resource endpoint', async () => {
    const subject = somePerson();
    const [first, other] = [await subscribed(subject), await subscribed(subject, { client_id: second })];
    await subscribed(subject, { scope: scopeOf(30, 'anderezorgaanbieder', '43') });
    await subscribed(somePerson());
    const correlation = randomUUID();
    const answer = await tell(change({ subject }), { 'x-correlation-id': correlation });
    expect([answer.status, answer.body]).toEqual([202, { notifications: 2 }]);
    await eventually(() => {
      expect(resourcesOf(first)).toHaveLength(1);
      expect(resourcesOf(other)).toHaveLength(1);
    });
    expect(resourcesOf(first)[0]).toMatchObject({
      path: '/resources/Notification',
      body: { subscription_id: first, notification_type: 'resource' },
      sender: 'medmij-subscriptions',
    });
    expect(resourcesOf(other)[0]!.path).toBe('/second/r/Notification');
    expect(resourcesOf(other)[0]!.headers['x-correlation-id']).toBe(correlation);
    expect(Object.keys(resourcesOf(first)[0]!.body).sort()).toEqual(['notification_type', 'subscription_id']);
    // The client knows the subscription before it hears that there is something to fetch.
    expect(service.world.dvp.of(first).map(({ body }) => body.notification_type)).toEqual(['subscription', 'resource']);
  });

  it('is due within the hour after the information became available', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    const available = new Date(service.world.clock.now().getTime() - 20 * 60_000);
    expect(await told(change({ subject, available_at: available.toISOString() }))).toBe(1);
    const [{ deadline_at: deadline }] = await eventually(async () => {
      const found = (await deliveriesOf(service, id)).filter((it) => it.notification_type === 'resource');
      expect(found).toHaveLength(1);
      return found as [(typeof found)[0]];
    });
    expect(deadline).toBe(new Date(available.getTime() + 3_600_000).toISOString());
  });

  it('reaches a subscription that started just before it, though nothing has been projected or planned since', async () => {
    const subject = somePerson();
    await service.restart({ ROLES: 'api' });
    const id = await subscribed(subject);
    expect(await told(change({ subject }))).toBe(1);
    expect(await rowsOf(service, 'select 1 from subscription_view where subscription_id = $1', [id])).toEqual([]);
    await service.restart({ ROLES: 'api,relay,projector,delivery,scheduler' });
    // Never before the client can know the id.
    await eventually(() =>
      expect(service.world.dvp.of(id).map(({ body }) => body.notification_type)).toEqual(['subscription', 'resource']),
    );
  });

  it('is told to nobody whose subscription has ended or is suspended', async () => {
    const subject = somePerson();
    const [ended, suspended] = [await subscribed(subject), await subscribed(subject, { client_id: second })];
    await accepted(service, { subject, scope: scopeOf(0) }, 201);
    await suspend(service, suspended, 'operator');
    expect(await told(change({ subject }))).toBe(0);
    await eventually(() => expect(service.world.dvp.of(ended)).toHaveLength(2));
    expect([...resourcesOf(ended), ...resourcesOf(suspended)]).toEqual([]);
  });

  it('of an unknown person is nothing to tell, and stays so for that change', async () => {
    const body = change();
    expect(await told(body)).toBe(0);
    const id = await subscribed(body.subject);
    expect(await told(body)).toBe(0);
    expect(await told({ ...body, change_id: randomUUID() })).toBe(1);
    await eventually(() => expect(resourcesOf(id)).toHaveLength(1));
  });

  it('that comes again is answered as before and told once, also when many come at the same time', async () => {
    const body = change();
    const id = await subscribed(body.subject);
    const answers = await Promise.all(Array.from({ length: 12 }, () => told(body)));
    expect(answers).toEqual(answers.map(() => 1));
    // The same moment in another spelling is the same content.
    expect(await told({ ...body, available_at: body.available_at.replace('Z', '+00:00') })).toBe(1);
    await accepted(service, { subject: body.subject, scope: scopeOf(0) }, 201);
    expect(await told(body)).toBe(1);
    await eventually(() => expect(service.world.dvp.of(id).at(-1)!.body).toHaveProperty('end_date'));
    expect(resourcesOf(id)).toHaveLength(1);
  });

  it.each<[string, (body: ReturnType<typeof change>) => Record<string, unknown>]>([
    ['another person', (body) => ({ ...body, subject: somePerson() })],
    ['another name space', (body) => ({ ...body, issuer: 'urn:elsewhere' })],
    ['another provider', (body) => ({ ...body, provider: 'anderezorgaanbieder' })],
    ['another service', (body) => ({ ...body, service_id: '43' })],
    ['another moment', (body) => ({ ...body, available_at: new Date(0).toISOString() })],
    ['a service nobody knows', (body) => ({ ...body, service_id: 'none' })],
  ])('that names %s under a used change_id is a conflict', async (_what, changed) => {
    const body = change();
    expect(await told(body)).toBe(0);
    const answer = await tell(changed(body));
    expect([answer.status, answer.body.code]).toEqual([409, 'change_conflict']);
    expect(answer.text).not.toContain(body.subject);
  });

  it.each<[string, () => Record<string, unknown>, number, string]>([
    ['an unknown service', () => ({ service_id: 'none' }), 422, 'unknown_service'],
    ['an unknown provider', () => ({ provider: 'onbekendeaanbieder' }), 422, 'unknown_provider'],
    ['a provider with its suffix', () => ({ provider: `${provider}@medmij` }), 422, 'unknown_provider'],
    ['a moment six minutes ahead', () => ({ available_at: inFuture(6) }), 422, 'authorization_stale'],
    ['an unknown field', () => ({ content: 'lab result' }), 400, 'malformed_request'],
    ['no subject', () => ({ subject: undefined }), 400, 'malformed_request'],
    ['no moment', () => ({ available_at: undefined }), 400, 'malformed_request'],
    ['a moment without a zone', () => ({ available_at: '2026-01-01T12:00:00' }), 400, 'malformed_request'],
    ['a change_id that is too long', () => ({ change_id: 'x'.repeat(129) }), 400, 'malformed_request'],
  ])('with %s is refused and not remembered', async (_what, given, status, code) => {
    const body = change();
    const answer = await tell({ ...body, ...given() });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await told(body)).toBe(0);
  });
  const inFuture = (minutes: number) => new Date(service.world.clock.now().getTime() + minutes * 60_000).toISOString();

  it('may lie a little ahead of our clock', async () => {
    expect(await told(change({ available_at: inFuture(4) }))).toBe(0);
  });

  it('needs a token with its own scope', async () => {
    for (const scope of ['authorizations:write', 'ops:write'] as const) {
      const answer = await service.post<Problem>('/resource-changes', change(), scope);
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    }
    const none = await service.send<Problem>('POST', '/resource-changes', { 'content-type': 'application/json' }, '{}');
    expect([none.status, none.body.code]).toEqual([401, 'unauthenticated']);
  });

  it('is remembered for thirty days, without a word about the person', async () => {
    const body = change();
    expect(await told(body)).toBe(0);
    const rows = await rowsOf<{ row: string }>(service, 'select resource_change::text as row from resource_change');
    expect(rows.some(({ row }) => row.includes(body.change_id))).toBe(true);
    expect(rows.filter(({ row }) => row.includes(body.subject))).toEqual([]);
    expect(service.world.logLines.filter((line) => line.includes(body.subject))).toEqual([]);

    const kept = () => rowsOf(service, 'select 1 from resource_change where change_id = $1', [body.change_id]);
    service.world.clock.advance(29 * 86_400_000);
    await service.restart();
    expect(await kept()).toHaveLength(1);
    service.world.clock.advance(2 * 86_400_000);
    await service.restart();
    await eventually(async () => expect(await kept()).toEqual([]));
    service.world.clock.advance(-31 * 86_400_000);
  });
});
