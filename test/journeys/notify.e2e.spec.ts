import dns from 'node:dns/promises';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { somePerson, TestService } from '../support/app';
import type { ReceivedNotification } from '../support/dvp';
import { eventually } from '../support/eventually';
import {
  accepted,
  amsterdamDate,
  deliveriesOf,
  type Delivery,
  isReady,
  itemOf,
  type Page,
  type Problem,
  scopeOf,
  type Standing,
} from './walk';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const invalidId = { error: 'invalid_subscription_id' };
const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

describe('a notification to a client', () => {
  let service: TestService;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'medmij-lists-'));
    await cp(resolve(__dirname, '../../dev/sample-lists'), folder, { recursive: true });
    const file = join(folder, 'oauthclientlist.xml');
    await writeFile(file, withClientElsewhere(await readFile(file, 'utf8')));
    service = await TestService.start({ CLIENT_LIST_URL: pathToFileURL(file).href });
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1');
  });
  afterEach(() => service.world.dvp.answer());
  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });

  const told = (id: string) => service.world.dvp.of(id).map(({ body }) => body.end_date);
  /** Until the newest delivery of the subscription looks like this. */
  const newest = (id: string, look: Partial<Delivery>) =>
    eventually(async () => {
      const [delivery] = await deliveriesOf(service, id);
      expect(delivery).toMatchObject(look);
      return delivery!;
    });
  const retry = (id: string, scope: 'ops:read' | 'ops:write' = 'ops:write') =>
    service.post<Delivery & Problem>(`/ops/api/deliveries/${id}/retry`, undefined, scope);
  /** Something else goes through from start to end, so that what was to happen before it has happened. */
  const somethingElse = async () => {
    const { subscription_id: id } = await accepted(service);
    await newest(id, { state: 'delivered' });
  };
  const delivered = async (subject = somePerson()): Promise<Standing> => {
    const started = await accepted(service, { subject });
    await newest(started.subscription_id, { state: 'delivered' });
    return started;
  };

  it('comes with a request id of its own, the correlation id of its cause and our certificate', async () => {
    const { dvp } = service.world;
    const { subscription_id: id } = await delivered();
    const [notification] = dvp.of(id);
    expect(notification!.path).toBe('/subscriptions/Notification');
    expect(notification!.sender).toBe('medmij-subscriptions');
    expect(notification!.headers).toMatchObject({
      host: 'sample-client.example',
      'content-type': 'application/json',
      'medmij-request-id': expect.stringMatching(uuid),
      'x-correlation-id': expect.stringMatching(uuid),
    });
    expect(notification!.headers).not.toHaveProperty('authorization');
    const delivery = await newest(id, { state: 'delivered' });
    expect(delivery).toEqual({
      delivery_id: expect.stringMatching(uuid),
      subscription_id: id,
      client_id: 'localhost',
      notification_type: 'subscription',
      end_date: notification!.body.end_date,
      state: 'delivered',
      attempts: 1,
      due_at: expect.any(String),
      created_at: expect.any(String),
      last_attempt_at: expect.any(String),
      last_status: 204,
      last_error: null,
      deadline_at: expect.any(String),
    });
  });

  it('follows another in the order of what happened, however quickly that was', async () => {
    const { dvp } = service.world;
    dvp.answer((_, response) => void setTimeout(() => response.writeHead(204).end(), 20));
    const subjects = Array.from({ length: 8 }, () => somePerson());
    const all = await Promise.all(
      subjects.map(async (subject) => {
        const standings: Standing[] = [];
        for (const days of [180, 20, 30, 0]) standings.push(await accepted(service, { subject, scope: scopeOf(days) }));
        return standings;
      }),
    );
    for (const standings of all) {
      const id = standings[0]!.subscription_id;
      await eventually(() => expect(told(id)).toEqual(standings.map(({ end_date }) => end_date)));
    }
  });

  it('waits while the client is away; then the newest state arrives last and nothing older after it', async () => {
    const { dvp, clock } = service.world;
    await dvp.stop();
    const subjects = Array.from({ length: 6 }, () => somePerson());
    const started = await Promise.all(subjects.map((subject) => accepted(service, { subject })));
    for (const { subscription_id: id } of started)
      expect(await newest(id, { state: 'pending', attempts: 1 })).toMatchObject({ last_error: 'ECONNREFUSED' });
    await Promise.all(subjects.map((subject) => accepted(service, { subject, scope: scopeOf(30) })));
    const last = await Promise.all(
      subjects.map((subject, n) => accepted(service, { subject, scope: scopeOf(n % 2 === 0 ? 0 : 10) })),
    );
    await dvp.start();
    // How long its breaker stays open depends on how many tries it has seen fail: time goes by while we look.
    for (const { subscription_id: id, end_date } of last) {
      await eventually(() => {
        clock.advance(1_000);
        expect(told(id).at(-1)).toBe(end_date);
      });
    }
    clock.advance(3_600_000);
    await somethingElse();
    for (const [index, { subscription_id: id, end_date }] of last.entries()) {
      const inOrder = [started[index]!.end_date, amsterdamDate(new Date(), 30), end_date];
      const places = told(id).map((date) => inOrder.indexOf(String(date)));
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
      for (const delivery of await deliveriesOf(service, id)) expect(delivery.state).toMatch(/^(delivered|dropped)$/);
    }
  });

  it('that was superseded while it waited is not sent, and says so', async () => {
    const { dvp } = service.world;
    dvp.answerWith(503);
    const subject = somePerson();
    const { subscription_id: id } = await accepted(service, { subject });
    await newest(id, { state: 'pending', attempts: 1 });
    dvp.answer();
    const adjusted = await accepted(service, { subject, scope: scopeOf(30) });
    await newest(id, { state: 'delivered', end_date: adjusted.end_date });
    const [, first] = await deliveriesOf(service, id);
    expect(first).toMatchObject({ state: 'dropped', last_error: 'superseded' });
    const refused = await retry(first!.delivery_id);
    expect([refused.status, refused.body.code]).toEqual([409, 'not_retryable']);
  });

  describe('that the client answers with invalid_subscription_id', () => {
    const isEndedByClient = async ({ subscription_id: id }: Standing) => {
      await eventually(async () =>
        expect(await itemOf(service, id)).toMatchObject({
          status: 'terminated',
          end_reason: 'client_endpoint',
          end_date: amsterdamDate(service.world.clock.now()),
        }),
      );
      const event = await eventually(() => {
        const found = service.world.otherSide.seen.find(
          ({ headers }) => headers.ce_subject === id && headers.ce_type === 'nl.medmij.subscription.terminated.v1',
        );
        if (!found) throw new Error('the ending is not on Kafka yet');
        return found;
      });
      expect(JSON.parse(event.value!)).toMatchObject({ reason: 'client_endpoint', subscription_id: id });
      expect(await newest(id, { state: 'dropped' })).toMatchObject({ last_error: 'invalid_subscription_id' });
      const count = told(id).length;
      service.world.dvp.answer();
      service.world.clock.advance(2 * 3_600_000);
      await somethingElse();
      expect(told(id)).toHaveLength(count);
      for (const { state } of await deliveriesOf(service, id)) expect(state).toMatch(/^(delivered|dropped|dead)$/);
    };

    it('right after a start is sent again, for the client may not know the id yet', async () => {
      const { dvp, clock } = service.world;
      dvp.answerWith(400, invalidId);
      const started = await accepted(service);
      const id = started.subscription_id;
      expect(await newest(id, { state: 'pending', attempts: 1, last_status: 400 })).toMatchObject({
        last_error: expect.stringContaining('invalid_subscription_id'),
      });
      dvp.answer();
      clock.advance(10_000);
      await newest(id, { state: 'delivered', attempts: 2 });
      expect(told(id)).toEqual([started.end_date, started.end_date]);
      expect(await itemOf(service, id)).toMatchObject({ status: 'active', version: 1 });
      const ids = dvp.of(id).map(({ headers }) => headers['medmij-request-id']);
      expect(new Set(ids).size).toBe(2);
      expect(new Set(dvp.of(id).map(({ headers }) => headers['x-correlation-id'])).size).toBe(1);
    });

    it('after the client has accepted one ends the subscription, and nothing more is sent about it', async () => {
      const { dvp } = service.world;
      const subject = somePerson();
      await delivered(subject);
      dvp.answerWith(400, invalidId);
      const adjusted = await accepted(service, { subject, scope: scopeOf(30) });
      await isEndedByClient(adjusted);
      expect(told(adjusted.subscription_id)).toHaveLength(2);
      // It stays ended for the person, and a new consent starts a new subscription, of which the client is told.
      expect(await accepted(service, { subject, scope: scopeOf(0) }, 200)).toMatchObject({ status: 'terminated' });
      const next = await accepted(service, { subject });
      expect(next.subscription_id).toBe(adjusted.subscription_id.replace(/1$/, '2'));
      await eventually(() => expect(told(next.subscription_id)).toEqual([next.end_date]));
    });

    it('after the grace ends the subscription though the client never accepted one', async () => {
      const { dvp, clock } = service.world;
      await dvp.stop();
      const started = await accepted(service);
      await newest(started.subscription_id, { state: 'pending', attempts: 1 });
      clock.advance(901_000);
      dvp.answerWith(400, invalidId);
      await dvp.start();
      await isEndedByClient(started);
      expect(told(started.subscription_id)).toHaveLength(1);
    });

    it('also silences what was waiting behind it', async () => {
      const { dvp } = service.world;
      const subject = somePerson();
      await delivered(subject);
      const waiting: ServerResponse[] = [];
      dvp.answer((_, response) => void waiting.push(response));
      const second = await accepted(service, { subject, scope: scopeOf(30) });
      await eventually(() => expect(waiting).toHaveLength(1));
      const third = await accepted(service, { subject, scope: scopeOf(40) });
      await newest(third.subscription_id, { state: 'pending', attempts: 0 });
      waiting[0]!.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(invalidId));
      await isEndedByClient(third);
      expect(told(third.subscription_id).slice(1)).toEqual([second.end_date]);
    });

    it.each([
      ['not in the body we expect', 400, { error: { code: 'invalid_subscription_id' } }],
      ['under another status', 404, invalidId],
    ])('%s ends nothing', async (_, status, body) => {
      const { dvp } = service.world;
      const subject = somePerson();
      await delivered(subject);
      dvp.answerWith(status, body);
      const { subscription_id: id } = await accepted(service, { subject, scope: scopeOf(30) });
      await newest(id, { state: 'dead', last_status: status });
      expect(await itemOf(service, id)).toMatchObject({ status: 'active' });
    });
  });

  it.each([
    [400, { error: 'invalid_notification_type' }],
    [400, { error: 'something else' }],
    [401, undefined],
    [403, undefined],
    [404, undefined],
    [410, undefined],
    [422, undefined],
    [300, undefined],
    [304, undefined],
  ])('answered with %i %j is dead, and does not block the next one', async (status, body) => {
    const { dvp } = service.world;
    const subject = somePerson();
    dvp.answerWith(status, body);
    const { subscription_id: id } = await accepted(service, { subject });
    const dead = await newest(id, { state: 'dead', attempts: 1, last_status: status });
    expect(dead.last_error).toContain(body?.error === 'invalid_notification_type' ? body.error : String(status));
    dvp.answer();
    const adjusted = await accepted(service, { subject, scope: scopeOf(30) });
    await newest(id, { state: 'delivered', end_date: adjusted.end_date });
    const refused = await retry(dead.delivery_id);
    expect([refused.status, refused.body.code]).toEqual([409, 'not_retryable']);
  });

  it.each([301, 302, 303, 307, 308])('redirected with %i is dead: redirects are not followed', async (status) => {
    const { dvp } = service.world;
    dvp.answerWith(status, undefined, { location: 'https://sample-client.example/elsewhere' });
    const { subscription_id: id } = await accepted(service);
    await newest(id, { state: 'dead', last_status: status });
    expect(dvp.received.filter(({ path }) => path.includes('elsewhere'))).toEqual([]);
  });

  it('that is dead is listed, and sent again when an operator asks for it', async () => {
    const { dvp } = service.world;
    dvp.answerWith(404);
    const { subscription_id: id } = await accepted(service);
    const dead = await newest(id, { state: 'dead' });
    const list = await service.get<Page<Delivery>>('/ops/api/deliveries?state=dead&client_id=localhost&limit=500');
    expect(list.body.items).toContainEqual(dead);
    dvp.answer();
    expect((await retry(dead.delivery_id, 'ops:read')).status).toBe(403);
    const retried = await retry(dead.delivery_id);
    expect([retried.status, retried.body]).toEqual([
      202,
      expect.objectContaining({ delivery_id: dead.delivery_id, state: 'pending', attempts: 0 }),
    ]);
    await newest(id, { state: 'delivered', delivery_id: dead.delivery_id });
    const again = await retry(dead.delivery_id);
    expect([again.status, again.body.code]).toEqual([409, 'not_retryable']);
    for (const unknown of [randomUUID(), 'nonsense']) expect((await retry(unknown)).status).toBe(404);
  });

  it('that is dead is sent again with all since a moment, when an operator gives a reason; a dry run only counts', async () => {
    const { dvp, clock } = service.world;
    const since = clock.now().toISOString();
    dvp.answerWith(404);
    const all = await Promise.all([accepted(service), accepted(service)]);
    for (const { subscription_id: id } of all) await newest(id, { state: 'dead' });
    dvp.answer();
    const replay = (body: object, scope: 'ops:read' | 'ops:write' = 'ops:write') =>
      service.post<{ matched: number; replayed: number } & Problem>('/ops/api/deliveries/replay', body, scope);
    const asked = { since, client_id: 'localhost', reason_text: 'the app was mended' };
    expect((await replay(asked, 'ops:read')).status).toBe(403);
    for (const bad of [{}, { ...asked, reason_text: '' }, { ...asked, until: since }, { ...asked, states: ['dead'] }])
      expect((await replay(bad)).status).toBe(400);
    expect(await replay({ ...asked, dry_run: true })).toMatchObject({ status: 202, body: { matched: 2, replayed: 2 } });
    for (const { subscription_id: id } of all) await newest(id, { state: 'dead' });
    expect(await replay(asked)).toMatchObject({ status: 202, body: { matched: 2, replayed: 2 } });
    for (const { subscription_id: id } of all) await newest(id, { state: 'delivered', attempts: 1 });
    expect((await replay(asked)).body).toEqual({ matched: 0, replayed: 0 });
    const audited = service.world.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg, what }) => msg === 'ops.audit' && what === 'delivery.replay');
    expect(audited.at(-2)).toMatchObject({
      outcome: 'done',
      details: { replayed: 2 },
    });
  });

  it.each([408, 425, 429, 500, 502, 503])('answered with %i is sent again', async (status) => {
    const { dvp, clock } = service.world;
    dvp.answerWith(status);
    const { subscription_id: id } = await accepted(service);
    // Being asked to come back later is no failure of the try.
    const counted = status === 429 ? 0 : 1;
    const waiting = await newest(id, { state: 'pending', attempts: counted, last_status: status });
    expect(seconds(waiting.created_at, waiting.due_at)).toBeGreaterThanOrEqual(5);
    expect(seconds(waiting.created_at, waiting.due_at)).toBeLessThanOrEqual(10);
    dvp.answer();
    clock.advance(10_000);
    await newest(id, { state: 'delivered', attempts: counted + 1 });
    expect(told(id)).toHaveLength(2);
  });

  it('is not sent before Retry-After, be it seconds or a date, and never after its deadline because of it', async () => {
    const { dvp, clock } = service.world;
    const waitingAfter = async (retryAfter: string) => {
      dvp.answerWith(429, undefined, { 'retry-after': retryAfter });
      const { subscription_id: id } = await accepted(service);
      return newest(id, { state: 'pending', last_status: 429, attempts: 0 });
    };
    const inSeconds = await waitingAfter('300');
    expect(seconds(inSeconds.last_attempt_at!, inSeconds.due_at)).toBeCloseTo(300, -1);
    const atDate = await waitingAfter(new Date(clock.now().getTime() + 600_000).toUTCString());
    expect(seconds(atDate.last_attempt_at!, atDate.due_at)).toBeCloseTo(600, -1);
    const forEver = await waitingAfter('999999999');
    expect(Date.parse(forEver.due_at)).toBeLessThanOrEqual(Date.parse(forEver.deadline_at));
    for (const nonsense of ['soon', '-5', '0']) {
      const soon = await waitingAfter(nonsense);
      expect(seconds(soon.last_attempt_at!, soon.due_at)).toBeLessThanOrEqual(10);
    }
    dvp.answer();
    clock.advance(250_000);
    await somethingElse();
    expect(told(inSeconds.subscription_id)).toHaveLength(1);
    clock.advance(100_000);
    await newest(inSeconds.subscription_id, { state: 'delivered' });
  });

  it.each<[string, () => Promise<CertifiedKey>, RegExp]>([
    ['for another name', () => certificate({ names: ['other.example'] }), /ALTNAME/],
    ['of a foreign authority', () => certificate({ stranger: true }), /SELF_SIGNED|UNABLE_TO|UNKNOWN/],
    ['that has expired', () => certificate({ expired: true }), /EXPIRED/],
  ])('does not reach a server with a certificate %s; it waits for the right one', async (_, make, error) => {
    const { dvp, clock } = service.world;
    const right = await certificate({});
    await dvp.stop();
    await dvp.start(await make());
    const { subscription_id: id } = await accepted(service);
    const waiting = await newest(id, { state: 'pending', attempts: 1, last_status: null });
    expect(waiting.last_error).toMatch(error);
    expect(told(id)).toEqual([]);
    await dvp.stop();
    await dvp.start(right);
    clock.advance(10_000);
    await newest(id, { state: 'delivered', attempts: 2, last_error: null });
  });

  async function certificate(wish: { names?: string[]; stranger?: boolean; expired?: boolean }) {
    const authority = wish.stranger ? await createAuthority('stranger') : service.world.authority;
    const day = 86_400_000;
    return issueCertificate(authority, {
      commonName: 'sample-client.example',
      names: wish.names ?? ['sample-client.example'],
      usages: ['server'],
      ...(wish.expired && { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) }),
    });
  }

  it('does not go to a host that is not on the whitelist', async () => {
    const { subscription_id: id } = await accepted(service, { client_id: 'not-whitelisted.example' });
    const waiting = await newest(id, { attempts: 1, last_status: null });
    expect(waiting.last_error).toBe('host_not_whitelisted');
    expect(waiting.state).not.toBe('delivered');
  });

  it.each([
    [['10.1.2.3']],
    [['127.0.0.1']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:192.168.1.1']],
    [['fd00::1']],
    [['fe80::1']],
    [['93.184.215.14', '10.1.2.3']],
  ])('does not go to a name that leads to a private address: %j', async (addresses) => {
    const resolved = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const lookup = jest.spyOn(dns, 'lookup').mockResolvedValue(resolved as never);
    try {
      const { subscription_id: id } = await accepted(service, { client_id: 'old-shape.example' });
      expect(await newest(id, { attempts: 1, last_status: null })).toMatchObject({
        last_error: 'private_address',
        state: 'pending',
      });
      expect(lookup.mock.calls.map(([host]) => host)).toContain('old-shape.example');
    } finally {
      lookup.mockRestore();
    }
  });

  it('is not sent without our own key; readiness says so, and all goes out once the key is there', async () => {
    const { env, clock, dvp } = service.world;
    const keyFile = env.CLIENT_TLS_KEY!;
    const delivery = async () => {
      const { status, body } = await service.get<{ checks: Record<string, { status: string; reason?: string }> }>(
        '/health/ready',
      );
      return { code: status, ...body.checks.delivery };
    };
    const held = { code: 200, status: 'degraded', reason: expect.stringMatching(/nothing is sent.*certificate/) };
    await rename(keyFile, `${keyFile}.away`);
    await eventually(async () => expect(await delivery()).toEqual(held));
    const first = await accepted(service);
    await service.restart();
    await eventually(async () => expect(await delivery()).toEqual(held));
    const second = await accepted(service);
    clock.advance(3_600_000);
    const waiting = await newest(second.subscription_id, { state: 'pending', attempts: 0 });
    expect(waiting.last_error).toBeNull();
    expect([first, second].flatMap(({ subscription_id: id }) => dvp.of(id))).toEqual([]);
    await rename(`${keyFile}.away`, keyFile);
    for (const { subscription_id: id } of [first, second]) await newest(id, { state: 'delivered', attempts: 1 });
    expect(await delivery()).toEqual({ code: 200, status: 'ok' });
  });

  it('is over in 10 seconds, whatever the client does with it', async () => {
    const { dvp } = service.world;
    const behaviours: Record<string, (response: ServerResponse) => void> = {
      silent: () => undefined,
      flooding: (response) => pour(response.writeHead(200), 65_536, 0),
      dripping: (response) => pour(response.writeHead(200), 1, 200),
      'flooding with an error': (response) => pour(response.writeHead(404), 65_536, 0),
      'dripping with an error': (response) => pour(response.writeHead(503), 1, 200),
      'breaking off': (response) => void response.destroy(),
      'full of headers': (response) => void response.writeHead(204, { 'x-large': 'x'.repeat(200_000) }).end(),
    };
    const names = Object.keys(behaviours);
    const chosen = new Map<unknown, string>();
    dvp.answer(({ body }: ReceivedNotification, response) => {
      const name = chosen.get(body.subscription_id) ?? names.find((one) => ![...chosen.values()].includes(one))!;
      chosen.set(body.subscription_id, name);
      behaviours[name]!(response);
    });
    const all = await Promise.all(names.map(() => accepted(service)));
    const outcomes = await eventually(async () => {
      const found = await Promise.all(
        all.map(async ({ subscription_id: id }) => {
          const [delivery] = await deliveriesOf(service, id);
          expect(delivery!.attempts).toBeGreaterThan(0);
          // The next try may be about to begin.
          const state = delivery!.state === 'sending' ? 'pending' : delivery!.state;
          return [chosen.get(id), `${state} ${delivery!.last_error}`] as const;
        }),
      );
      return Object.fromEntries(found);
    });
    expect(outcomes).toEqual({
      silent: 'pending timeout',
      flooding: 'delivered null',
      dripping: 'delivered null',
      'flooding with an error': 'dead status 404',
      'dripping with an error': 'pending status 503',
      'breaking off': 'pending UND_ERR_SOCKET',
      'full of headers': 'pending UND_ERR_HEADERS_OVERFLOW',
    });
    dvp.answer();
    await somethingElse();
  });
});

/** Writes without end, as long as somebody listens. */
function pour(response: ServerResponse, bytes: number, everyMs: number): void {
  const timer = setInterval(() => {
    if (response.writableLength < 1_000_000) response.write('x'.repeat(bytes));
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

/** Another client, on the whitelist, whose host no DEV_HOSTS entry names. */
function withClientElsewhere(list: string): string {
  const [entry] = /<OAuthclient>\s*<Hostname>not-whitelisted\.example[\s\S]*?<\/OAuthclient>/.exec(list)!;
  return list.replace('</OAuthclients>', `${entry.replaceAll('not-whitelisted', 'old-shape')}</OAuthclients>`);
}
