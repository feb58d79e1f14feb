import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { Backlog } from './backlog';
import type { Benchmark, Goal, Measurement } from './benchmark';
import { arrivedRate, fillQueue, readingRate, skipToEnd } from './full-queue';
import { median } from './latency';
import { NotifiedClients } from './notified-clients';
import type { Arrival } from './receiver-process';
import { ServiceProcess, serviceEnvironment } from './service-process';
import type { Usage } from './usage';

const clientCount = 16;
const memoryMiB = 300;
const partAtLeast = 0.8;

/** Readers of the log, by the role that runs each. */
const readers = [
  { role: 'relay', name: 'relay' },
  { role: 'projector', name: 'projection:subscriptions:0' },
  { role: 'delivery', name: 'planner' },
] as const;

/** The same work with little waiting and with very much, in processes of one role each; then all of it in one process. */
export const backlog: Benchmark = {
  name: 'backlog',
  title: 'With a long queue and an unread log',
  async run({ options: { seconds, rounds, events, notifications, backlog: size }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const clients = await NotifiedClients.start(clientCount);
    const environment = {
      ...serviceEnvironment(database.url, brokers),
      ...clients.env(),
    };
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const log = new Backlog(client, new LogCheck(), clients.ids);
    const usages: { name: string; usage: Usage }[] = [];
    const arrivals: Arrival[] = [];
    const rates = new Map<string, { few: number; many: number }>();

    const inService = async <Result>(roles: string, name: string, work: () => Promise<Result>) => {
      const service = await ServiceProcess.start(
        { ...environment, ...(roles !== 'all' && { ROLES: roles }) },
        'delivery',
      );
      const { result, usage } = await service.watch(work);
      usages.push({ name, usage });
      await service.stop();
      return result;
    };
    /** The first ones of a queue that waits; nothing is sent before. */
    const delivering = async (): Promise<number> => {
      await clients.giveIdentityBack();
      const arrived = await clients.receiver.takeAtLeast(notifications);
      arrivals.push(...arrived);
      return arrivedRate(arrived.slice(0, notifications));
    };

    // Without its certificate the service plans and sends nothing.
    await clients.withholdIdentity();
    const few = new Map<string, number>();
    const sendingFew = async () => {
      await log.workedOffBy('planner', notifications);
      return delivering();
    };
    few.set('delivery', await inService('delivery', 'delivery, few due', sendingFew));
    await clients.withholdIdentity();
    for (const { role, name } of readers) {
      const readingFew = () => repeated(rounds, () => readingRate(client, name, events, () => log.commit(events)));
      few.set(name, await inService(role, `${name}, little unread`, readingFew));
    }

    await log.commit(size);
    say(`${size} events are unread`);
    await fillQueue(client, size);
    say(`${size} notifications are due`);
    for (const { role, name } of readers) {
      const readingMany = () => repeated(rounds, () => readingRate(client, name, events));
      const many = await inService(role, `${name}, much unread`, readingMany);
      rates.set(name, { few: few.get(name)!, many });
    }
    const unread = await skipToEnd(client, 'planner');
    const many = await inService('delivery', 'delivery, many due', delivering);
    rates.set('delivery', { few: few.get('delivery')!, many });
    await unread.restore();
    await inService('all', 'every role at once, much unread and many due', () => pause(seconds * rounds * 1e3));
    arrivals.push(...(await clients.receiver.take()));
    const faults = await checkDelivered(client, arrivals);
    await client.end();
    await Promise.all([clients.close(), database.drop()]);

    const most = Math.max(...usages.map(({ usage }) => usage.rssPeakMiB));
    const parts = [...rates].map(([name, rate]) => ({ name, ...rate, part: rate.many / rate.few }));
    return {
      measurements: [
        ...parts.map(({ name, few: value, many: bound, part }): Measurement => ({
          name: `${name}, with ${size.toLocaleString('en')} waiting`,
          unit: '/s',
          value: bound,
          bound: { name: 'with few', value },
          ratio: part,
        })),
        ...usages.map(({ name, usage }) => ({ name: `memory: ${name}`, unit: 'MiB', value: usage.rssPeakMiB })),
      ],
      goals: [
        ...parts.map(({ name, part }): Goal => ({
          text: `${name}, part of the rate with few waiting`,
          value: part,
          relation: 'at least',
          limit: partAtLeast,
          unit: '',
        })),
        { text: 'memory of a process', value: most, relation: 'at most', limit: memoryMiB, unit: 'MiB' },
      ],
      usage: usages.at(-1)!.usage,
      checked: { notifications: arrivals.length, unread: size, due: size },
      faults,
    };
  },
};

async function repeated(rounds: number, measure: () => Promise<number>): Promise<number> {
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measure());
  return median(measured);
}

/** What reached the clients is what is recorded as delivered, each once. */
async function checkDelivered(client: Client, arrivals: readonly Arrival[]): Promise<string[]> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer as count from delivery_attempt where outcome = 'delivered'`,
  );
  const each = new Set(arrivals.map(({ subscriptionId, correlationId }) => `${subscriptionId} ${correlationId}`));
  return [
    ...(each.size === arrivals.length ? [] : [`${arrivals.length - each.size} notifications came twice`]),
    ...(rows[0]!.count === each.size ? [] : [`${each.size} came, and ${rows[0]!.count} are recorded as delivered`]),
  ];
}
