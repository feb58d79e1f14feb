import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase, type TestDatabase } from '../test/support/database';
import { readPages } from './check-log';
import { untilDelivered } from './delivery-queue';
import { type Handlers, openHandlers } from './handlers';
import { NotificationCheck } from './notification-check';
import { NotifiedClients } from './notified-clients';
import { orderOf } from './orders';
import { atPace } from './paced-loop';
import { Marks, markOf, PersonLife } from './person-life';
import { ServiceProcess, serviceEnvironment } from './service-process';

/** Changes a second, over all clients. */
export const changesPerSecond = 160;
const clientCount = 16;
/** Persons of each client, one change of whom after the other. */
const personsEach = 10;
const pollMs = 20;
const arriveWithinMs = 60_000;
/** By this much the clock is ahead of the changes when the hanging ones answer again: every retry within the hour is due. */
const laterS = 4_000;

interface Servers {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
}

/** A service that delivers, with a database and clients of its own, of which every other one may hang. */
export class NotifiedWorld {
  private readonly lives: { clientId: string; life: PersonLife }[];
  private readonly marks = new Marks(new LogCheck());
  private turn = 0;

  private constructor(
    private readonly clients: NotifiedClients,
    private readonly database: TestDatabase,
    private readonly environment: Record<string, string>,
    private readonly service: ServiceProcess,
    private readonly handlers: Handlers,
    private readonly unsteady: readonly string[],
    private readonly check: NotificationCheck,
  ) {
    this.lives = Array.from({ length: personsEach }).flatMap(() =>
      clients.ids.map((clientId) => ({ clientId, life: new PersonLife(this.marks) })),
    );
  }

  static async start({ databaseUrl, brokers }: Servers, hangs: boolean): Promise<NotifiedWorld> {
    const database = await createDatabase(databaseUrl);
    const clients = await NotifiedClients.start(clientCount);
    const environment = {
      ROLES: 'delivery',
      ...serviceEnvironment(database.url, brokers),
      ...clients.env(),
    };
    const unsteady = clients.ids.filter((_, index) => index % 2 === 1);
    const check = new NotificationCheck(new Set(hangs ? unsteady : []));
    const handlers = await openHandlers(database.url);
    const service = await ServiceProcess.start(environment);
    if (hangs) await clients.receiver.behave({ hanging: unsteady });
    return new NotifiedWorld(clients, database, environment, service, handlers, unsteady, check);
  }

  get seen(): number {
    return this.check.seen;
  }

  /** From commit to client, in ms, of changes at an even pace; of every other client only, of those that answer in either world. */
  async latenciesMs(seconds: number): Promise<number[]> {
    const committedMs = await this.change(seconds);
    const latenciesMs: number[] = [];
    const endMs = performance.now() + arriveWithinMs;
    while (committedMs.size > 0 && performance.now() < endMs) {
      const arrivals = await this.clients.receiver.take();
      this.check.see(arrivals);
      for (const { correlationId, atMs } of arrivals) {
        const atCommitMs = committedMs.get(markOf(correlationId));
        if (atCommitMs !== undefined) latenciesMs.push(Math.max(0, atMs - atCommitMs));
        committedMs.delete(markOf(correlationId));
      }
      await pause(pollMs);
    }
    // Those that are still waiting took longer than anybody waited for them.
    return [...latenciesMs, ...Array.from(committedMs, () => arriveWithinMs)];
  }

  /** Everybody answers again, later: @returns what is wrong with what came */
  async end(): Promise<string[]> {
    await this.service.stop();
    await this.clients.receiver.behave({});
    await this.handlers.close();
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    const later = await ServiceProcess.start({ ...this.environment, CLOCK_OFFSET_S: String(laterS) });
    await untilDelivered(client);
    await later.stop();
    await client.end();
    this.check.see(await this.clients.receiver.take());
    const faults = await this.check.faults(readPages(this.database.url));
    await Promise.all([this.database.drop(), this.clients.close()]);
    return faults;
  }

  /** @returns the moment of commit of every change that is timed, in ms since 1970, by mark */
  private async change(seconds: number): Promise<Map<number, number>> {
    const committedMs = new Map<number, number>();
    await atPace(
      changesPerSecond,
      (elapsedMs) => elapsedMs >= seconds * 1e3,
      async () => {
        const { clientId, life } = this.lives[this.turn % this.lives.length]!;
        this.turn += 1;
        const agreement = life.next();
        await this.handlers.commandBus.execute(orderOf(agreement, this.handlers, new Date(), clientId));
        if (!this.unsteady.includes(clientId))
          committedMs.set(agreement.mark, performance.timeOrigin + performance.now());
      },
    );
    return committedMs;
  }
}
