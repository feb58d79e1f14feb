import { Client } from 'pg';
import { buildConnector, Pool } from 'undici';
import type { BareDeliveryOrder, BareDeliveryStart } from './bare-delivery-process';

/** As many as one process of the service has under way at most. */
const inFlightMax = 64;
/** Outcomes that come within this time are completed together. */
const gatherMs = 5;

interface Job {
  id: string;
  host: number;
  correlation_id: string;
  body: string;
}

/** Claims in batches, sends over `undici` pools, completes in batches: no order, no retry, no lease, no log of the tries. */
class BareLoop {
  private finished: string[] = [];
  private inFlight = 0;
  private onFinish: () => void = () => undefined;
  private failure?: Error;

  private constructor(
    private readonly claiming: Client,
    private readonly completing: Client,
    private readonly pools: readonly Pool[],
  ) {}

  static async open({ databaseUrl, identity, trusted, hosts, port }: BareDeliveryStart): Promise<BareLoop> {
    const [claiming, completing] = [1, 2].map(() => new Client({ connectionString: databaseUrl }));
    await Promise.all([claiming!.connect(), completing!.connect()]);
    await claiming!.query(`
      create table bare_delivery (
        id bigint generated always as identity primary key, host integer not null, correlation_id text not null,
        body text not null, state text not null default 'pending', due_at timestamptz not null default now())`);
    await claiming!.query(`create index on bare_delivery (due_at) where state = 'pending'`);
    const pools = hosts.map((host) => {
      const connect = buildConnector({
        cert: identity.certificate,
        key: identity.key,
        ca: trusted,
        servername: host,
        ALPNProtocols: ['http/1.1'],
      });
      return new Pool(`https://${host}`, {
        connections: Math.ceil(inFlightMax / hosts.length),
        pipelining: 1,
        connect: (options, callback) =>
          connect({ ...options, hostname: '127.0.0.1', host: '127.0.0.1', port: String(port) }, callback),
      });
    });
    return new BareLoop(claiming!, completing!, pools);
  }

  async fill(count: number): Promise<void> {
    await this.claiming.query(fillSql, [count, this.pools.length]);
    await this.claiming.query('analyze bare_delivery');
  }

  async drain(count: number): Promise<number> {
    await Promise.all([this.claim(count), this.complete(count)]);
    return performance.timeOrigin + performance.now();
  }

  private async claim(count: number): Promise<void> {
    for (let claimed = 0; claimed < count;) {
      if (this.failure) throw this.failure;
      const free = inFlightMax - this.inFlight;
      if (free < inFlightMax / 2) {
        await new Promise<void>((resolve) => (this.onFinish = resolve));
        continue;
      }
      const { rows } = await this.claiming.query<Job>({ name: 'claim', text: claimSql, values: [free] });
      claimed += rows.length;
      this.inFlight += rows.length;
      for (const job of rows) void this.send(job);
    }
  }

  private async send({ id, host, correlation_id, body }: Job): Promise<void> {
    try {
      const response = await this.pools[host]!.request({
        method: 'POST',
        path: '/subscriptions/Notification',
        headers: { 'content-type': 'application/json', 'x-correlation-id': correlation_id },
        body,
      });
      await response.body.dump();
      if (response.statusCode !== 204) throw new Error(`Answered ${response.statusCode}.`);
      this.finished.push(id);
    } catch (error) {
      this.failure = error as Error;
    }
    this.inFlight -= 1;
    this.onFinish();
  }

  private async complete(count: number): Promise<void> {
    for (let completed = 0; completed < count;) {
      if (this.failure) throw this.failure;
      const ids = this.finished;
      this.finished = [];
      if (ids.length > 0) await this.completing.query({ name: 'complete', text: completeSql, values: [ids] });
      completed += ids.length;
      await new Promise((resolve) => setTimeout(resolve, gatherMs));
    }
  }
}

const fillSql = `
  insert into bare_delivery (host, correlation_id, body)
  select n % $2, 'bare-' || n, jsonb_build_object('subscription_id', md5(n::text)::uuid || '.1',
         'notification_type', 'subscription', 'end_date', '2027-05-21')
  from generate_series(1, $1::integer) as n`;

const claimSql = `
  update bare_delivery set state = 'sending'
  where id in (select id from bare_delivery where state = 'pending' order by due_at limit $1 for update skip locked)
  returning id, host, correlation_id, body`;

const completeSql = `update bare_delivery set state = 'delivered' where id = any ($1::bigint[])`;

let loop: BareLoop | undefined;

async function obey(order: BareDeliveryOrder): Promise<unknown> {
  if ('start' in order) {
    loop = await BareLoop.open(order.start);
    return true;
  }
  await loop!.fill(order.send);
  return loop!.drain(order.send);
}

process.on('message', (order: BareDeliveryOrder) => {
  obey(order).then(
    (done) => process.send!({ done }),
    (error: Error) => process.send!({ error: String(error.stack) }),
  );
});
process.on('disconnect', () => process.exit());
