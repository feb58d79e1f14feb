import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import type { Goal, Measurement } from './benchmark';
import { readPages } from './check-log';
import { untilDelivered } from './delivery-queue';
import { type Handlers, openHandlers } from './handlers';
import { summarize } from './latency';
import { NotificationCheck } from './notification-check';
import type { NotifiedClients } from './notified-clients';
import { orderOf } from './orders';
import { atPace } from './paced-loop';
import { Marks, markOf, PersonLife } from './person-life';
import { ServiceProcess } from './service-process';

/** Changes a second, over all clients. */
const perSecond = 160;
/** Persons of each client, one change of whom after the other. */
const personsEach = 10;
/** Not counted: connections are made, code is compiled, and the first calls to the hanging ones take their whole time. */
const warmUpS = 12;
const pollMs = 20;
const arriveWithinMs = 60_000;
/** By this much the clock is ahead of the changes when the hanging ones answer again: every retry within the hour is due. */
const laterS = 4_000;

interface Surroundings {
  readonly clients: NotifiedClients;
  readonly environment: Record<string, string>;
  readonly databaseUrl: string;
  readonly seconds: number;
  say(line: string): void;
}

interface Found {
  readonly measurements: readonly Measurement[];
  readonly goals: readonly Goal[];
  readonly checked: number;
  readonly faults: readonly string[];
}

/** The same pace twice: while every client answers, and while every other one takes what it gets and never answers. */
export async function halfHanging({ clients, environment, databaseUrl, seconds, say }: Surroundings): Promise<Found> {
  const database = await createDatabase(databaseUrl);
  const { ids, receiver } = clients;
  const env = { ...environment, DATABASE_URL: database.url };
  const hanging = ids.filter((_, index) => index % 2 === 1);
  const check = new NotificationCheck(new Set(hanging));
  const handlers = await openHandlers(database.url);
  const service = await ServiceProcess.start(env);
  const changes = new Changes(handlers, ids, (clientId) => !hanging.includes(clientId));

  const healthyLatencies = async () => {
    const committedMs = await changes.make(seconds);
    const latenciesMs: number[] = [];
    const endMs = performance.now() + arriveWithinMs;
    while (committedMs.size > 0 && performance.now() < endMs) {
      const arrivals = await receiver.take();
      check.see(arrivals);
      for (const { correlationId, atMs } of arrivals) {
        const atCommitMs = committedMs.get(markOf(correlationId));
        if (atCommitMs !== undefined) latenciesMs.push(Math.max(0, atMs - atCommitMs));
        committedMs.delete(markOf(correlationId));
      }
      await pause(pollMs);
    }
    // Those that are still waiting took longer than anybody waited for them.
    return [...latenciesMs, ...Array.from(committedMs, () => arriveWithinMs)];
  };
  const before = summarize(await healthyLatencies());
  await receiver.behave({ hanging });
  const beside = summarize(await healthyLatencies());
  say(`healthy p99 ${before.p99.toFixed(1)} ms, ${beside.p99.toFixed(1)} ms beside hanging ones`);
  await service.stop();
  await receiver.behave({});
  await handlers.close();

  const client = new Client({ connectionString: database.url });
  await client.connect();
  const later = await ServiceProcess.start({ ...env, CLOCK_OFFSET_S: String(laterS) });
  await untilDelivered(client);
  await later.stop();
  await client.end();
  check.see(await receiver.take());
  const faults = await check.faults(readPages(database.url));
  await database.drop();
  return {
    measurements: [
      { name: `commit to client at ${perSecond}/s`, unit: 'notifications/s', value: perSecond / 2, latencyMs: before },
      {
        name: 'the same, half of the clients hanging',
        unit: 'notifications/s',
        value: perSecond / 2,
        latencyMs: beside,
      },
    ],
    goals: [
      {
        text: 'healthy p99 beside hanging clients, as a multiple',
        value: beside.p99 / before.p99,
        relation: 'at most',
        limit: 1.2,
        unit: '',
      },
    ],
    checked: check.seen,
    faults,
  };
}

/** Persons who agree to one thing after the other, at an even pace, with each client in turn. */
class Changes {
  private readonly lives: { clientId: string; life: PersonLife }[];
  private readonly marks = new Marks(new LogCheck());
  private turn = 0;

  constructor(
    private readonly handlers: Handlers,
    clientIds: readonly string[],
    private readonly isTimed: (clientId: string) => boolean,
  ) {
    this.lives = Array.from({ length: personsEach }).flatMap(() =>
      clientIds.map((clientId) => ({ clientId, life: new PersonLife(this.marks) })),
    );
  }

  /** @returns the moment of commit of every change after the warm-up that is timed, in ms since 1970, by mark */
  async make(seconds: number): Promise<Map<number, number>> {
    const committedMs = new Map<number, number>();
    const startedMs = performance.now();
    await atPace(
      perSecond,
      (elapsedMs) => elapsedMs >= (warmUpS + seconds) * 1e3,
      async () => {
        const { clientId, life } = this.lives[this.turn % this.lives.length]!;
        this.turn += 1;
        const agreement = life.next();
        const isWarm = performance.now() - startedMs >= warmUpS * 1e3;
        await this.handlers.commandBus.execute(orderOf(agreement, this.handlers, new Date(), clientId));
        if (isWarm && this.isTimed(clientId))
          committedMs.set(agreement.mark, performance.timeOrigin + performance.now());
      },
    );
    return committedMs;
  }
}
