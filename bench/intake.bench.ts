import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { BareConnections, BareLife } from './bare-append';
import { bareHttp } from './bare-http';
import type { Benchmark } from './benchmark';
import { checkLog } from './check-log';
import { closedLoop, type Load } from './closed-loop';
import { type Handlers, openHandlers } from './handlers';
import { HttpLoad } from './http-load-process';
import { median, summarize } from './latency';
import { orderOf } from './orders';
import { Marks, PersonLife } from './person-life';
import { inTurns } from './rounds';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { UsageMeter } from './usage';

/** Enough that the batcher fills its batches. */
const inFlight = 800;
/** A start and another end date: half of the commands are of new persons. */
const changes = 2;
/** As many as the batcher has batches under way. */
const bareConnections = 2;
const httpConnections = 200;
/** Numbers that no load in this process comes near to. */
const httpFirstMark = 1_000_000_000;

/** Many commands at once, against a loop that calls the batch function with batches of the same size. */
export const intake: Benchmark = {
  name: 'intake',
  title: 'Commands in micro-batches, half of them of new persons',
  async run({ options: { seconds, rounds }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const check = new LogCheck();
    const marks = new Marks(check);
    const meter = new UsageMeter();
    const handlers = await openHandlers(database.url);
    const sizes = batchSizesOf(handlers);
    const bare = await BareConnections.open(database.url, bareConnections);
    const lives = Array.from({ length: inFlight }, () => new PersonLife(marks, changes));
    const bareLives = Array.from({ length: bareConnections }, () =>
      Array.from({ length: inFlight }, () => new BareLife(marks, changes)),
    );

    const bareBatches = async (size: number): Promise<Load> => {
      const load = await closedLoop(bareConnections, seconds, async (caller) => {
        const items = bareLives[caller]!.slice(0, size).map((life) => life.next());
        await bare.appendBatch(caller, items);
        for (const { mark } of items) marks.committed(mark);
      });
      return { ...load, perSecond: load.perSecond * size };
    };
    const inBatches = await inTurns(rounds, meter, {
      name: `command handler, ${inFlight} in flight`,
      unit: 'commands/s',
      ours: () =>
        closedLoop(inFlight, seconds, async (caller) => {
          const agreement = lives[caller]!.next();
          const { recorded } = await handlers.commandBus.execute(orderOf(agreement, handlers, new Date()));
          if (recorded) marks.committed(agreement.mark);
        }),
      bare: { name: 'bare batch loop', run: () => bareBatches(sizes.typical()) },
    });
    say(`command handler: ratio ${inBatches.ratio!.toFixed(2)}, ${sizes.typical()} commands a batch`);
    const typical = sizes.typical();
    await handlers.close();

    const service = await ServiceProcess.start({
      ROLES: 'api',
      ...serviceEnvironment(database.url, brokers),
    });
    const load = HttpLoad.start(service.url, service.token, httpConnections, httpFirstMark);
    const overHttp = async () => {
      const { load: measured, committed } = await load.run(seconds);
      check.commit(...committed);
      return measured;
    };
    const { result: throughHttp, usage } = await service.watch(() =>
      inTurns(rounds, new UsageMeter(), {
        name: `through HTTP, ${httpConnections} connections`,
        unit: 'commands/s',
        ours: overHttp,
        bare: { name: 'bare batch loop', run: () => bareBatches(typical) },
      }),
    );
    say(`through HTTP: ratio ${throughHttp.ratio!.toFixed(2)}`);
    load.stop();
    await service.stop();
    const nothing = await bareHttp(httpConnections, seconds);
    say(`a server that does nothing: ${Math.round(nothing.perSecond)} requests/s`);
    await bare.close();
    await checkLog(database.url, check);
    const outcome = {
      measurements: [
        inBatches,
        { name: 'commands a batch', unit: 'commands', value: typical },
        throughHttp,
        {
          name: `a Fastify server that does nothing, ${httpConnections} connections`,
          unit: 'requests/s',
          value: nothing.perSecond,
          latencyMs: summarize(nothing.latenciesMs),
        },
        { name: 'memory of the HTTP process, at most', unit: 'MiB', value: usage.rssPeakMiB },
      ],
      goals: [
        goal('command handler, part of the bare batch loop', inBatches.ratio!, 0.65),
        goal('through HTTP, part of the bare batch loop', throughHttp.ratio!, 0.4),
      ],
      usage: meter.usage(),
      checked: { committed: check.committedCount(), seen: check.seenCount() },
      faults: check.faults(),
    };
    await database.drop();
    return outcome;
  },
};

const goal = (text: string, value: number, limit: number) =>
  ({ text, value, relation: 'at least', limit, unit: '' }) as const;

/** Listens to how many commands go into each append, so that the bare loop can do the same. */
function batchSizesOf({ eventStore }: Handlers): { typical: () => number } {
  const sizes: number[] = [];
  const append = eventStore.append.bind(eventStore);
  eventStore.append = (requests) => {
    sizes.push(requests.length);
    return append(requests);
  };
  // Weighted by commands: the many small batches of a beginning say nothing about the load.
  return { typical: () => (sizes.length === 0 ? inFlight / bareConnections : Math.round(weightedMedian(sizes))) };
}

const weightedMedian = (sizes: readonly number[]) => median(sizes.flatMap((size) => Array<number>(size).fill(size)));
