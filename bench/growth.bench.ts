import { Client } from 'pg';
import type { SubscriptionViewStore } from '../src/projections';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase, type TestDatabase } from '../test/support/database';
import type { Benchmark, Goal, Measurement } from './benchmark';
import { closedLoop, type Load } from './closed-loop';
import { compiled } from './compiled';
import { FilledDatabase } from './filled-database';
import { type Handlers, openHandlers } from './handlers';
import { median, summarize } from './latency';
import { OpsReads } from './ops-reads';
import { orderOf } from './orders';
import { Marks, PersonLife } from './person-life';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { UsageMeter } from './usage';

const inFlight = 8;
const pageRows = 50;
const today = '2026-11-23';
/** Rates at the larger sizes, as part of the rate at the smallest. */
const partAtLeast = 0.85;

type Operation =
  | 'append'
  | 'lookup by id'
  | 'ops page'
  | 'history over HTTP'
  | 'page of a status over HTTP'
  | 'page as of a moment over HTTP';
const operations: Operation[] = [
  'append',
  'lookup by id',
  'ops page',
  'history over HTTP',
  'page of a status over HTTP',
  'page as of a moment over HTTP',
];

/** The same work in databases of different sizes, in turns. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'The same work in small and large databases',
  async run({ options: { seconds, rounds, sizes }, databaseUrl, brokers, say }) {
    const meter = new UsageMeter();
    const worlds: SizedWorld[] = [];
    for (const size of sizes) {
      worlds.push(await SizedWorld.make(databaseUrl, brokers, size));
      say(`${size} subscriptions are there`);
    }
    const rates = new Map<string, Load[]>();
    for (const operation of operations) {
      for (const world of worlds) await world.run(operation, seconds);
      for (let round = 0; round < rounds; round += 1) {
        for (const world of worlds) {
          const load = await meter.watch(() => world.run(operation, seconds));
          const key = `${operation} ${world.size}`;
          rates.set(key, [...(rates.get(key) ?? []), load]);
        }
      }
    }
    const measurements: Measurement[] = [];
    const goals: Goal[] = [];
    for (const operation of operations) {
      const smallest = rates.get(`${operation} ${sizes[0]}`)!;
      for (const size of sizes) {
        const loads = rates.get(`${operation} ${size}`)!;
        const ratio = median(loads.map(({ perSecond }, round) => perSecond / smallest[round]!.perSecond));
        measurements.push({
          name: `${operation}, ${size.toLocaleString('en')} subscriptions`,
          unit: '/s',
          value: median(loads.map(({ perSecond }) => perSecond)),
          latencyMs: summarize(loads.flatMap(({ latenciesMs }) => latenciesMs)),
          ratio,
        });
        if (size === sizes[0]) continue;
        const text = `${operation} at ${size.toLocaleString('en')}, part of the rate at ${sizes[0]!.toLocaleString('en')}`;
        goals.push({ text, value: ratio, relation: 'at least', limit: partAtLeast, unit: '' });
      }
    }
    const found = await Promise.all(worlds.map((world) => world.check()));
    const outcome = {
      measurements,
      goals,
      usage: meter.usage(),
      checked: { events: found.reduce((sum, { events }) => sum + events, 0) },
      faults: found.flatMap(({ faults }) => faults),
    };
    await Promise.all(worlds.map((world) => world.close()));
    return outcome;
  },
};

/** One database with so many subscriptions, and the service on it. */
class SizedWorld {
  private readonly committed = new LogCheck();
  private readonly lives: PersonLife[];
  private readonly marks: Marks;

  private constructor(
    readonly size: number,
    private readonly database: TestDatabase,
    private readonly client: Client,
    private readonly filled: FilledDatabase,
    private readonly handlers: Handlers,
    private readonly views: SubscriptionViewStore,
    private readonly closeViews: () => Promise<void>,
    private readonly opsReads: OpsReads,
  ) {
    this.marks = new Marks(this.committed, size);
    this.lives = Array.from({ length: inFlight }, () => new PersonLife(this.marks));
  }

  static async make(databaseUrl: string, brokers: readonly string[], size: number): Promise<SizedWorld> {
    const database = await createDatabase(databaseUrl);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const filled = new FilledDatabase(database.url, size);
    await filled.fill();
    const handlers = await openHandlers(database.url);
    const queries = await compiled.platform.Database.connect(database.url);
    const views = new compiled.projections.SubscriptionViewStore(queries);
    const service = await ServiceProcess.start({ ROLES: 'api', ...serviceEnvironment(database.url, brokers) });
    const opsReads = new OpsReads(service, filled, inFlight);
    return new SizedWorld(size, database, client, filled, handlers, views, () => queries.close(), opsReads);
  }

  run(operation: Operation, seconds: number): Promise<Load> {
    switch (operation) {
      case 'append':
        return closedLoop(inFlight, seconds, (caller) => this.append(caller));
      case 'lookup by id':
        return closedLoop(inFlight, seconds, () => this.lookUp());
      case 'ops page':
        return closedLoop(inFlight, seconds, () => this.page());
      case 'history over HTTP':
        return closedLoop(inFlight, seconds, () => this.opsReads.history());
      case 'page of a status over HTTP':
        return closedLoop(inFlight, seconds, () => this.opsReads.pageOfStatus());
      case 'page as of a moment over HTTP':
        return closedLoop(inFlight, seconds, () => this.opsReads.pageAsOf());
    }
  }

  /** All that was filled in and all that was acknowledged is there, every stream without a gap and in the order of the log. */
  async check(): Promise<{ events: number; faults: string[] }> {
    const { rows } = await this.client.query<{ events: number; wrong: number }>(`
      with ordered as (
        select version, row_number() over (partition by stream_id order by epoch, xid, pos) as place from event
      )
      select count(*)::integer as events, count(*) filter (where version <> place)::integer as wrong from ordered`);
    const { events, wrong } = rows[0]!;
    const expected = this.size + this.committed.committedCount();
    return {
      events,
      faults: [
        ...(events === expected ? [] : [`${expected} events must be there and ${events} are`]),
        ...(wrong === 0 ? [] : [`${wrong} events are not in the order of their versions`]),
      ],
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.handlers.close(), this.closeViews(), this.opsReads.close(), this.client.end()]);
    await this.database.drop();
  }

  private async append(caller: number): Promise<void> {
    const agreement = this.lives[caller]!.next();
    const { recorded } = await this.handlers.commandBus.execute(orderOf(agreement, this.handlers, new Date()));
    if (recorded) this.marks.committed(agreement.mark);
  }

  private async lookUp(): Promise<void> {
    const view = await this.views.find(this.filled.anySubscription(), today);
    if (!view) throw new Error('A subscription that was filled in is not found.');
  }

  private async page(): Promise<void> {
    const rows = await this.views.list({ client_id: 'localhost' }, this.filled.anyPlace(), pageRows, today);
    if (rows.length === 0) throw new Error('A page that must hold rows is empty.');
  }
}
