import { setTimeout as pause } from 'node:timers/promises';
import type { KafkaMessage, Message } from 'kafkajs';
import { Client } from 'pg';
import type { StoredEvent } from '../src/event-store';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { topicPrefix } from '../test/support/kafka';
import { Backlog } from './backlog';
import { BareKafka } from './bare-kafka';
import type { Benchmark, Measurement } from './benchmark';
import { readPages } from './check-log';
import { compiled } from './compiled';
import { type Handlers, openHandlers } from './handlers';
import { summarize } from './latency';
import { orderOf } from './orders';
import { atPace } from './paced-loop';
import { Marks, markOf, PersonLife } from './person-life';
import { inTurns } from './rounds';
import { UsageMeter } from './usage';

const { topics, toRecord } = compiled.transport;
const publicUrl = 'http://subscriptions.example';
const partitions = 12;
/** Messages of one sendBatch, as in the relay. */
const batchSize = 500;
const perSecond = 1_000;
/** Not counted: connections are made and code is compiled. */
const warmUpS = 2;
const arriveWithinMs = 60_000;

/** Events go out on Kafka: how soon after their commit, and how fast when there are many. */
export const relay: Benchmark = {
  name: 'relay',
  title: 'From the log to Kafka',
  async run({ options: { seconds, rounds, events }, databaseUrl, brokers, fdatasyncMs, say }) {
    const database = await createDatabase(databaseUrl);
    const prefix = topicPrefix();
    const { transport, relay: room } = compiled;
    const options = { brokers: [...brokers], clientId: 'bench', ssl: false, topicPrefix: prefix, createTopics: true };
    const handlers = await openHandlers(
      database.url,
      transport.TransportModule.with(options),
      room.RelayModule.with(publicUrl),
    );
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const kafka = new BareKafka(brokers);
    const check = new LogCheck();
    const meter = new UsageMeter();
    const backlog = new Backlog(client, check);

    await backlog.workedOffBy('relay', 3);
    await kafka.createTopic(`${prefix}bare`, partitions);
    const arrivals = new Arrivals(check);
    const messages = await messagesOf(database.url, () => backlog.workedOffBy('relay', events));
    const drained = await inTurns(rounds, meter, {
      name: `backlog of ${events} events`,
      unit: 'events/s',
      ours: () => backlog.workedOffBy('relay', events),
      bare: {
        name: 'bare kafkajs loop',
        run: async () => {
          const startedMs = performance.now();
          await kafka.send(`${prefix}bare`, messages, batchSize);
          return { perSecond: (messages.length / (performance.now() - startedMs)) * 1e3, latenciesMs: [] };
        },
      },
    });
    say(`backlog: ratio ${drained.ratio!.toFixed(2)}`);
    await kafka.follow(`${prefix}${topics.subscriptions.name}`, (batch) => arrivals.take(batch.messages));
    await arrivals.complete();
    const soon = await latencyAt(perSecond, seconds * rounds, handlers, new Marks(check, backlog.lastMark), arrivals);
    await arrivals.complete();

    await handlers.close();
    await Promise.all([kafka.close(), client.end()]);
    await database.drop();
    return {
      measurements: [soon, drained],
      goals: [
        {
          text: `commit to readable in Kafka at ${perSecond}/s, p99`,
          value: soon.latencyMs!.p99,
          relation: 'at most',
          limit: 50 + fdatasyncMs,
          unit: 'ms',
        },
        {
          text: 'backlog, part of the bare kafkajs loop',
          value: drained.ratio!,
          relation: 'at least',
          limit: 0.85,
          unit: '',
        },
      ],
      usage: meter.usage(),
      checked: { committed: check.committedCount(), read_from_kafka: check.seenCount() },
      faults: check.faults(),
    };
  },
};

/** What a consumer of the topic has read, checked as it comes, with the moment of each. */
class Arrivals {
  readonly atMs = new Map<number, number>();
  private count = 0;

  constructor(private readonly check: LogCheck) {}

  take(messages: readonly KafkaMessage[]): void {
    const nowMs = performance.now();
    this.check.see(
      messages.map(({ key, headers, value }) => {
        const { authorization_id } = JSON.parse(String(value)) as { authorization_id: string };
        const mark = markOf(authorization_id);
        this.atMs.set(mark, nowMs);
        this.count += 1;
        return {
          type: 'marked',
          data: { mark },
          stream_id: String(key),
          version: Number(headers?.ce_streamversion),
          // Kafka has an order within a partition only, so the place of a record is when it came.
          position: { epoch: 0, xid: '0', pos: String(this.count) },
        } as Parameters<LogCheck['see']>[0][number];
      }),
    );
  }

  /** Until everything committed has come, or will not any more. */
  async complete(): Promise<void> {
    const endMs = performance.now() + arriveWithinMs;
    while (this.check.seenCount() < this.check.committedCount() && performance.now() < endMs) await pause(20);
  }
}

/** Commands at an even pace, whatever the answers take; each is a new person. */
async function latencyAt(
  rate: number,
  seconds: number,
  handlers: Handlers,
  marks: Marks,
  arrivals: Arrivals,
): Promise<Measurement> {
  const life = new PersonLife(marks, 1);
  const committedMs = new Map<number, number>();
  const startedMs = performance.now();
  const isOver = (elapsedMs: number) => elapsedMs >= (warmUpS + seconds) * 1e3;
  await atPace(rate, isOver, async () => {
    const agreement = life.next();
    const isWarm = performance.now() - startedMs >= warmUpS * 1e3;
    await handlers.commandBus.execute(orderOf(agreement, handlers, new Date()));
    if (isWarm) committedMs.set(agreement.mark, performance.now());
    marks.committed(agreement.mark);
  });
  await arrivals.complete();
  const latencies = [...committedMs].flatMap(([mark, atMs]) => {
    const arrivedMs = arrivals.atMs.get(mark);
    return arrivedMs === undefined ? [] : [Math.max(0, arrivedMs - atMs)];
  });
  return {
    name: `commit to readable at ${rate}/s`,
    unit: 'events/s',
    value: committedMs.size / seconds,
    latencyMs: summarize(latencies),
  };
}

/** The messages that the relay makes of the events that `make` puts into the log. */
async function messagesOf(databaseUrl: string, make: () => Promise<unknown>): Promise<Message[]> {
  const before: StoredEvent[] = [];
  await make();
  for await (const page of readPages(databaseUrl)) before.push(...page);
  return before.map((event) => {
    const record = toRecord(compiled.relay.cloudEvent(event, publicUrl), topics.subscriptions.name, event.stream_id);
    return { key: record.key, value: record.value, headers: record.headers };
  });
}
