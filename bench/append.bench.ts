import { createDatabase } from '../test/support/database';
import { LogCheck } from '../test/event-store/log-check';
import { BareConnections, BareLife } from './bare-append';
import type { Benchmark, Goal, Measurement } from './benchmark';
import { checkLog } from './check-log';
import { closedLoop } from './closed-loop';
import { openHandlers } from './handlers';
import { orderOf } from './orders';
import { PersonLife, Marks } from './person-life';
import { pgbenchAppends } from './pgbench';
import { inTurns } from './rounds';
import { UsageMeter } from './usage';

const callers = [1, 8, 32] as const;
const callersOfGoal = 8;

/** Single commands through the command bus, against the append function called by as many bare connections. */
export const append: Benchmark = {
  name: 'append',
  title: 'Single commands through the command handler',
  async run({ options: { seconds, rounds }, databaseUrl, say }) {
    const [database, other] = await Promise.all([createDatabase(databaseUrl), createDatabase(databaseUrl)]);
    const handlers = await openHandlers(database.url);
    const check = new LogCheck();
    const marks = new Marks(check);
    const meter = new UsageMeter();
    const measurements: Measurement[] = [];
    const goals: Goal[] = [];
    for (const inFlight of callers) {
      const bare = await BareConnections.open(database.url, inFlight);
      const lives = Array.from({ length: inFlight }, () => new PersonLife(marks));
      const bareLives = Array.from({ length: inFlight }, () => new BareLife(marks));
      const measured = await inTurns(rounds, meter, {
        name: `${inFlight} in flight`,
        unit: 'commands/s',
        ours: () =>
          closedLoop(inFlight, seconds, async (caller) => {
            const agreement = lives[caller]!.next();
            const { recorded } = await handlers.commandBus.execute(orderOf(agreement, handlers, new Date()));
            if (recorded) marks.committed(agreement.mark);
          }),
        bare: {
          name: 'bare pg loop',
          run: () =>
            closedLoop(inFlight, seconds, async (caller) => {
              const item = bareLives[caller]!.next();
              await bare.append(caller, item);
              marks.committed(item.mark);
            }),
        },
      });
      await bare.close();
      measurements.push(measured);
      if (inFlight === callersOfGoal) goals.push(...goalsOf(measured));
      const perSecond = await pgbenchAppends(other.url, inFlight, seconds);
      if (perSecond !== undefined) {
        measurements.push({ name: `pgbench, ${inFlight} clients`, unit: 'commands/s', value: perSecond });
      }
      say(`${inFlight} in flight: ratio ${measured.ratio!.toFixed(2)}`);
    }
    await handlers.close();
    await checkLog(database.url, check);
    const outcome = {
      measurements,
      goals,
      usage: meter.usage(),
      checked: { committed: check.committedCount(), seen: check.seenCount() },
      faults: check.faults(),
    };
    await Promise.all([database.drop(), other.drop()]);
    return outcome;
  },
};

function goalsOf({ ratio, latencyMs, bound }: Measurement): Goal[] {
  return [
    {
      text: `${callersOfGoal} in flight, part of the bare pg loop`,
      value: ratio!,
      relation: 'at least',
      limit: 0.75,
      unit: '',
    },
    {
      text: `${callersOfGoal} in flight, p99 as a multiple of the loop's`,
      value: latencyMs!.p99 / bound!.latencyMs!.p99,
      relation: 'at most',
      limit: 2,
      unit: '',
    },
  ];
}
