import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase, type TestDatabase } from '../test/support/database';
import { Backlog } from './backlog';
import type { Load } from './closed-loop';
import { holdEndpoints, releaseEndpoints, untilDelivered } from './delivery-queue';
import { arrivedRate, emptyQueue, fillQueue, readingRate, skipToEnd } from './full-queue';
import { NotifiedClients } from './notified-clients';
import type { Arrival } from './receiver-process';
import { ServiceProcess, serviceEnvironment } from './service-process';
import type { Usage } from './usage';

const clientCount = 16;
const planner = 'planner';
/** What a queue is filled with are copies of these. */
const firstEvents = 3_000;
/** Events committed at once: in each part there are as many starts, adjustments and ends, which are not equally much work. */
const partSize = 3_000;

interface Servers {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
}

/**
 * A database with clients of its own, in which either much waits or nothing. Its service runs only while it is measured, from
 * its start on, so that of two worlds in turns only one is at work.
 */
export class WaitingWorld {
  private readonly arrivals: Arrival[] = [];
  private readonly usages = new Map<string, Usage>();

  private constructor(
    private readonly clients: NotifiedClients,
    private readonly database: TestDatabase,
    private readonly environment: Record<string, string>,
    private readonly client: Client,
    private readonly log: Backlog,
    /** Unread events, and as many due notifications. */
    private readonly waiting: number,
  ) {}

  static async start({ databaseUrl, brokers }: Servers, waiting: number): Promise<WaitingWorld> {
    const database = await createDatabase(databaseUrl);
    const clients = await NotifiedClients.start(clientCount);
    const environment = { ...serviceEnvironment(database.url, brokers), ...clients.env() };
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const log = new Backlog(client, new LogCheck(), clients.ids);
    const world = new WaitingWorld(clients, database, environment, client, log, waiting);
    await world.fill();
    return world;
  }

  get arrived(): number {
    return this.arrivals.length;
  }

  /** The most that each measurement needed. */
  get usage(): ReadonlyMap<string, Usage> {
    return this.usages;
  }

  /** How fast a reader takes in the next `events` events; what it makes due waits, or is gone when little is to wait. */
  async reading(role: string, name: string, events: number): Promise<Load> {
    if (!this.waiting) {
      await skipToEnd(this.client, name);
      await this.commit(events);
    }
    await holdEndpoints(this.client);
    const measured = readingRate(this.client, name, events);
    const perSecond = await this.inService(name, { ROLES: role }, () => measured);
    if (!this.waiting) await emptyQueue(this.client);
    return { perSecond, latenciesMs: [] };
  }

  /** How fast `notifications` that are due arrive, while nothing is unread. */
  async delivering(notifications: number): Promise<Load> {
    const { client, clients } = this;
    if (!this.waiting) await this.plan(notifications);
    const unread = await skipToEnd(client, planner);
    await releaseEndpoints(client);
    const arrived = await this.inService('delivery', { ROLES: 'delivery' }, () =>
      clients.receiver.takeAtLeast(notifications),
    );
    this.arrivals.push(...arrived, ...(await clients.receiver.take()));
    await unread.restore();
    return { perSecond: arrivedRate(arrived.slice(0, notifications)), latenciesMs: [] };
  }

  /** One process with every role, while `work` goes on. */
  async everyRole(work: () => Promise<unknown>): Promise<Usage> {
    await releaseEndpoints(this.client);
    const name = 'every role at once';
    await this.inService(name, {}, work);
    this.arrivals.push(...(await this.clients.receiver.take()));
    return this.usages.get(name)!;
  }

  /** @returns what is wrong with what came: it is what is recorded as delivered, each once */
  async end(): Promise<string[]> {
    const { arrivals, client } = this;
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from delivery_attempt where outcome = 'delivered'`,
    );
    const each = new Set(arrivals.map(({ subscriptionId, correlationId }) => `${subscriptionId} ${correlationId}`));
    await client.end();
    await Promise.all([this.clients.close(), this.database.drop()]);
    return [
      ...(each.size === arrivals.length ? [] : [`${arrivals.length - each.size} notifications came twice`]),
      ...(rows[0]!.count === each.size ? [] : [`${each.size} came, and ${rows[0]!.count} are recorded as delivered`]),
    ];
  }

  private async fill(): Promise<void> {
    const { client, waiting, log } = this;
    // The first ones make known every reader and every endpoint: only what is known can be held.
    await this.everyRole(async () => {
      await log.workedOffBy(planner, firstEvents);
      await untilDelivered(client);
    });
    await this.plan(firstEvents);
    if (waiting) {
      await fillQueue(client, waiting);
      await this.commit(waiting);
    } else {
      await emptyQueue(client);
    }
    // What autovacuum would do by itself in the time in which so much comes to wait.
    await client.query('vacuum (analyze)');
    await client.query('checkpoint');
  }

  private async commit(events: number): Promise<void> {
    for (let committed = 0; committed < events; committed += partSize)
      await this.log.commit(Math.min(partSize, events - committed));
  }

  /** Makes `events` notifications due. */
  private async plan(events: number): Promise<void> {
    await holdEndpoints(this.client);
    const service = await ServiceProcess.start({ ...this.environment, ROLES: 'delivery' });
    await this.commit(events);
    await this.log.readTo(planner);
    await service.stop();
  }

  private async inService<Result>(name: string, roles: Record<string, string>, work: () => Promise<Result>) {
    const service = await ServiceProcess.start({ ...this.environment, ...roles });
    const { result, usage } = await service.watch(work);
    await service.stop();
    const before = this.usages.get(name);
    if (!before || before.rssPeakMiB < usage.rssPeakMiB) this.usages.set(name, usage);
    return result;
  }
}
