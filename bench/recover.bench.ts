import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { topicPrefix } from '../test/support/kafka';
import { BareKafka } from './bare-kafka';
import type { Benchmark, Measurement } from './benchmark';
import { readPages } from './check-log';
import { compiled } from './compiled';
import { KafkaChanges } from './kafka-changes';
import { KillWatch } from './kill-watch';
import { NotificationCheck } from './notification-check';
import { NotifiedClients } from './notified-clients';
import { Marks, markOf } from './person-life';
import type { Arrival } from './receiver-process';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { UsageMeter } from './usage';

const clientCount = 4;
const personsEach = 50;
const perSecond = 50;
/** Clients take their time, so that some notifications are on their way at any moment. */
const answerAfterMs = 200;
/** Both processes have their part of the work by then. */
const settleMs = 8_000;
const killsMax = 3;
/** Of load after a kill: longer than any of the goals. */
const loadAfterMs = 20_000;
const arriveWithinMs = 60_000;

/** Of two processes that do everything, the one that holds the leases is killed under load: `kill -9` of every role at once. */
export const recover: Benchmark = {
  name: 'recover',
  title: 'After kill -9 of a process with every role',
  async run({ options: { rounds }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const prefix = topicPrefix();
    const clients = await NotifiedClients.start(clientCount);
    await clients.receiver.behave({ delayMs: answerAfterMs });
    const environment = {
      ...serviceEnvironment(database.url, brokers, prefix),
      ...clients.env(),
    };
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { topics } = compiled.transport;
    const kafka = new BareKafka(brokers);
    const marks = new Marks(new LogCheck());
    let older = await ServiceProcess.start(environment);
    let newer = await ServiceProcess.start(environment);
    const records = new Map<string, number>();
    await kafka.follow(`${prefix}${topics.subscriptions.name}`, ({ partition, messages }) => {
      for (const { offset, value } of messages) {
        const { authorization_id } = JSON.parse(String(value)) as { authorization_id: string };
        // A consumer that joins anew reads again; what stands in the topic twice has two offsets.
        records.set(`${partition} ${offset}`, markOf(authorization_id));
      }
    });
    const changes = new KafkaChanges(kafka, `${prefix}${topics.authorizations.name}`, marks, clients.ids, personsEach);
    const meter = new UsageMeter();
    const arrivals: Arrival[] = [];
    const watches: KillWatch[] = [];
    const isComplete = async () => {
      arrivals.push(...(await clients.receiver.take()));
      const reached = new Set(arrivals.map(({ correlationId }) => markOf(correlationId)));
      return [...changes.sentMs.keys()].every((mark) => reached.has(mark));
    };

    await meter.watch(async () => {
      for (let kill = 1; kill <= Math.min(rounds, killsMax); kill += 1) {
        let isOver = false;
        const load = changes.send(perSecond, () => isOver);
        await pause(settleMs);
        const watch = await KillWatch.of(client, () => older.kill());
        watches.push(watch);
        const looking = watch.look();
        await pause(loadAfterMs);
        isOver = true;
        await Promise.all([load, looking]);
        const endMs = performance.now() + arriveWithinMs;
        while (!(await isComplete()) && performance.now() < endMs) await pause(100);
        await watch.measure(changes.sentMs, arrivals);
        say(`kill ${kill}: ${watch.summary()}`);
        [older, newer] = [newer, await ServiceProcess.start(environment)];
      }
    });
    const handovers = await relayHandovers(client);
    await Promise.all([older.stop(), newer.stop(), kafka.close(), client.end()]);
    const published = [...records.values()];
    const faults = await checked(arrivals, published, watches, database.url, changes.sentMs.size, handovers);
    await Promise.all([clients.close(), database.drop()]);
    const worst = (part: 'readersS' | 'intakeS' | 'deliveryS') =>
      Math.max(...watches.map((watch) => watch.resumed[part]));
    const duplicates = repeated(arrivals.map(({ correlationId }) => markOf(correlationId)));
    return {
      measurements: [
        seconds('readers of the log go on after', worst('readersS')),
        seconds('authorizations from Kafka are taken again after', worst('intakeS')),
        seconds('notifications go out again after', worst('deliveryS')),
        { name: 'notifications sent twice', unit: 'of all', value: duplicates.size },
        { name: 'events published twice', unit: 'of all', value: repeated(published).size },
      ],
      goals: [
        { text: 'readers of the log go on', value: worst('readersS'), relation: 'at most', limit: 5, unit: 's' },
        { text: 'Kafka intake goes on', value: worst('intakeS'), relation: 'at most', limit: 10, unit: 's' },
        { text: 'delivery goes on', value: worst('deliveryS'), relation: 'at most', limit: 15, unit: 's' },
      ],
      usage: meter.usage(),
      checked: {
        kills: watches.length,
        changes: changes.sentMs.size,
        notifications: arrivals.length,
        published: published.length,
      },
      faults,
    };
  },
};

const seconds = (name: string, value: number): Measurement => ({ name, unit: 's', value });

/** Nothing lost, and nothing twice but what was under way in a process when it was killed. */
async function checked(
  arrivals: readonly Arrival[],
  published: readonly number[],
  watches: readonly KillWatch[],
  databaseUrl: string,
  sent: number,
  handovers: number,
): Promise<string[]> {
  const faults: string[] = [];
  const mayRepeat = (part: 'sending' | 'unpublished') => new Set(watches.flatMap((watch) => [...watch.underWay[part]]));
  const [sending, unpublished] = [mayRepeat('sending'), mayRepeat('unpublished')];
  const sentTwice = [...repeated(arrivals.map(({ correlationId }) => markOf(correlationId)))];
  const wronglySent = sentTwice.filter((mark) => !sending.has(mark)).length;
  if (wronglySent > 0) faults.push(`${wronglySent} notifications were sent twice and were not on their way at a kill`);
  const wronglyPublished = [...repeated(published)].filter((mark) => !unpublished.has(mark)).length;
  if (wronglyPublished > 0)
    faults.push(
      `${wronglyPublished} events were published twice and were done with at every kill; the relay's lease changed hands ${handovers} times`,
    );
  const inLog: number[] = [];
  for await (const page of readPages(databaseUrl))
    inLog.push(...page.map(({ data }) => markOf(data.authorization_id ?? '')));
  if (new Set(inLog).size !== inLog.length) faults.push('an authorization was recorded twice');
  if (inLog.length !== sent) faults.push(`${sent} authorizations were sent and ${inLog.length} are in the log`);
  const missing = inLog.filter((mark) => !new Set(published).has(mark));
  if (missing.length > 0) faults.push(`${missing.length} events were not published`);
  const check = new NotificationCheck();
  check.see(once(arrivals));
  return [...faults, ...(await check.faults(readPages(databaseUrl)))];
}

/** More often than there were kills: the machine stood still for longer than a lease. */
async function relayHandovers(client: Client): Promise<number> {
  const { rows } = await client.query<{ fence: number }>(
    `select fence::integer as fence from log_reader where name = 'relay'`,
  );
  return rows[0]!.fence - 1;
}

/** What is there more than once. */
function repeated(marks: readonly number[]): Set<number> {
  const seen = new Set<number>();
  return new Set(marks.filter((mark) => seen.size === seen.add(mark).size));
}

/** Each the first time. */
function once(arrivals: readonly Arrival[]): Arrival[] {
  return [...new Map([...arrivals].reverse().map((arrival) => [arrival.correlationId, arrival])).values()].reverse();
}
