import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { brokers } from '../support/kafka';
import { accepted, ask, isReady, itemOf, rowsOf } from './walk';

interface Ready {
  status: string;
  checks: Record<string, { status: string; reason?: string }>;
}

/** Stands between the service and its database, and can be cut like a cable or just stop passing anything on. */
class Cable {
  private readonly sockets = new Set<Socket>();
  private server?: Server;
  private port = 0;
  private silent = false;

  constructor(private readonly to: { host: string; port: number }) {}

  async plug(): Promise<number> {
    this.silent = false;
    this.server = createServer((near) => {
      const far = createConnection(this.to);
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on('data', (data) => void (this.silent || into.write(data)));
        from.on('error', () => undefined);
        from.on('close', () => {
          this.sockets.delete(from);
          into.destroy();
        });
      }
    });
    await new Promise<void>((done) => this.server!.listen(this.port, '127.0.0.1', done));
    this.port = (this.server.address() as { port: number }).port;
    return this.port;
  }

  silence(): void {
    this.silent = true;
  }

  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server!.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

describe('the health of the service', () => {
  let service: TestService;
  let cable: Cable;
  beforeAll(async () => {
    service = await TestService.start();
    const url = new URL(service.world.database.url);
    cable = new Cable({ host: url.hostname, port: Number(url.port) });
    url.port = String(await cable.plug());
    url.hostname = '127.0.0.1';
    await service.restart({ DATABASE_URL: url.href });
    await isReady(service);
  });
  afterAll(async () => {
    await service.stop();
    await cable.cut();
  });
  afterEach(() => isReady(service));

  const ready = () => service.send<Ready>('GET', '/health/ready', {});
  const metrics = async () => (await service.send('GET', '/metrics', {})).text;
  const figure = (text: string, name: string) =>
    Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);

  it('is to be alive, which anybody may ask', async () => {
    const answer = await service.send('GET', '/health/live', {});
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
  });

  it('is to be ready, part by part', async () => {
    const { status, body, headers } = await ready();
    expect([status, body.status, headers.get('cache-control')]).toEqual([200, 'ok', 'no-store']);
    expect(Object.keys(body)).toEqual(['status', 'checks']);
    for (const [name, check] of Object.entries(body.checks)) expect([name, check]).toEqual([name, { status: 'ok' }]);
    expect(Object.keys(body.checks)).toEqual(
      expect.arrayContaining(['database', 'migrations', 'kafka', 'lists', 'relay']),
    );
  });

  it('is told in figures whose names are ours', async () => {
    const { subscription_id: id } = await accepted(service);
    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    await eventually(async () => {
      const text = await metrics();
      expect(figure(text, 'medmij_relay_lag_events')).toBe(0);
      expect(figure(text, 'medmij_projection_lag_events{projection="subscriptions"}')).toBe(0);
      expect(figure(text, 'medmij_deliveries_total{outcome="delivered"}')).toBeGreaterThanOrEqual(1);
    });
    const text = await metrics();
    for (const list of ['providers', 'clients', 'service_names', 'whitelist'])
      expect(figure(text, `medmij_list_age_seconds{list="${list}"}`)).toBeLessThan(60);
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name);
    expect(names).toContain('medmij_delivery_oldest_undelivered_seconds');
    expect(figure(text, 'medmij_check_status{check="database"}')).toBe(0);
    expect(figure(text, 'medmij_commands_total{outcome="recorded"}')).toBeGreaterThanOrEqual(1);
    expect(figure(text, 'medmij_command_batch_seconds_count')).toBeGreaterThanOrEqual(1);
    for (const figures of ['medmij_log_events_read_total', 'medmij_log_page_seconds_count'])
      expect(figure(text, `${figures}{reader="relay"}`)).toBeGreaterThanOrEqual(1);
    expect(names.filter((name) => !name!.startsWith('medmij_'))).toEqual([]);
    expect(text).not.toContain(id);
  });

  it('shows how long a client has not been told', async () => {
    service.world.dvp.answerWith(503);
    const { subscription_id: id } = await accepted(service);
    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    service.world.clock.advance(120_000);
    await eventually(async () =>
      expect(
        figure(await metrics(), 'medmij_delivery_oldest_undelivered_seconds{client_id="localhost"}'),
      ).toBeGreaterThanOrEqual(120),
    );
    service.world.dvp.answer();
    await eventually(async () => {
      // Each time a little later: a try that was under way at the last move failed by the clock after it.
      service.world.clock.advance(60_000);
      expect(await metrics()).not.toMatch(/oldest_undelivered_seconds\{client_id="localhost"/);
    });
  });

  it('shows how far a reader of the log is behind that cannot get on', async () => {
    const client = new Client({ connectionString: service.world.database.url });
    await client.connect();
    await client.query('begin');
    // Who only reads these tables goes on, and the log is not held back: nothing is written here.
    await client.query('lock table subscription_view, delivery in share row exclusive mode');
    await accepted(service);
    await eventually(async () => {
      const text = await metrics();
      for (const lag of ['medmij_projection_lag_%{projection="subscriptions"}', 'medmij_planner_lag_%'])
        for (const unit of ['seconds', 'events']) expect(figure(text, lag.replace('%', unit))).toBeGreaterThan(0);
    });
    await client.end();
    await eventually(async () => expect(figure(await metrics(), 'medmij_planner_lag_events')).toBe(0));
  });

  it('is degraded without the broker: commands go on, and their events go out once it is back', async () => {
    await service.restart({ KAFKA_BROKERS: '127.0.0.1:1' });
    const standing = await accepted(service);
    expect(await itemOf(service, standing.subscription_id, standing.position)).toMatchObject({ status: 'active' });
    await eventually(() => expect(service.world.dvp.of(standing.subscription_id)).toHaveLength(1));
    await eventually(async () => {
      const { status, body } = await ready();
      expect([status, body.status]).toEqual([200, 'degraded']);
      expect(body.checks.kafka).toMatchObject({ status: 'degraded', reason: expect.any(String) });
      expect(body.checks.relay).toMatchObject({ status: 'degraded', reason: expect.any(String) });
      expect(body.checks.database).toEqual({ status: 'ok' });
    });
    const behind = await metrics();
    expect(figure(behind, 'medmij_relay_lag_events')).toBeGreaterThanOrEqual(1);
    expect(figure(behind, 'medmij_relay_lag_seconds')).toBeGreaterThan(0);
    expect(figure(behind, 'medmij_check_status{check="kafka"}')).toBe(1);

    await service.restart({ KAFKA_BROKERS: brokers().join(',') });
    await isReady(service);
    const { otherSide } = service.world;
    await otherSide.follow('medmij.subscriptions.v1');
    await eventually(() =>
      expect(otherSide.seen.map(({ headers }) => headers.ce_subject)).toContain(standing.subscription_id),
    );
    // What went out before is there too, and nothing twice.
    const events = await rowsOf<{ event_id: string }>(service, 'select event_id from event');
    await eventually(() => expect(otherSide.seen).toHaveLength(events.length));
    expect(new Set(otherSide.seen.map(({ headers }) => headers.ce_id))).toEqual(
      new Set(events.map(({ event_id }) => event_id)),
    );
  });

  it('is unavailable without the database, and well again with it, having lost nothing', async () => {
    const before = await accepted(service);
    await cable.cut();
    const refused = await ask(service);
    expect([refused.status, refused.body.code, refused.headers.get('content-type')]).toEqual([
      503,
      'unavailable',
      'application/problem+json; charset=utf-8',
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const { status, body } = await ready();
    expect([status, body.status, body.checks.database?.status]).toEqual([503, 'unavailable', 'unavailable']);
    expect((await service.send('GET', '/health/live', {})).status).toBe(200);
    expect((await service.get('/ops/api/subscriptions')).status).toBe(503);
    expect((await service.get('/ops/api/lists')).status).toBe(200);
    const away = await metrics();
    expect(figure(away, 'medmij_check_status{check="database"}')).toBe(2);
    expect(figure(away, 'medmij_commands_total{outcome="failed"}')).toBeGreaterThanOrEqual(1);
    expect(away).toMatch(/^medmij_http_request_seconds_count\{.*status="503"\} [1-9]/m);

    await cable.plug();
    await isReady(service);
    const after = await accepted(service);
    for (const { subscription_id: id, position } of [before, after])
      expect(await itemOf(service, id, position)).toMatchObject({ status: 'active' });
    await eventually(() => expect(service.world.dvp.of(after.subscription_id)).toHaveLength(1));
  });

  it('is unavailable within seconds when the database says nothing any more', async () => {
    cable.silence();
    const started = performance.now();
    const { status, body } = await ready();
    expect([status, body.checks.database?.status]).toEqual([503, 'unavailable']);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await service.send('GET', '/health/live', {})).status).toBe(200);
    // More than there are connections, and more commands than go at once.
    const asked = Array.from({ length: 30 }, () =>
      Promise.allSettled([service.get('/ops/api/subscriptions'), ask(service)]),
    );
    await eventually(async () => {
      const text = await metrics();
      expect(figure(text, 'medmij_database_connections{state="waiting"}')).toBeGreaterThan(0);
      expect(figure(text, 'medmij_commands_waiting')).toBeGreaterThan(0);
    });
    await cable.cut();
    await Promise.all(asked);
    await cable.plug();
    await isReady(service);
    await accepted(service);
  });
});
