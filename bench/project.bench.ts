import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { Backlog } from './backlog';
import { BareProjection } from './bare-projection';
import type { Benchmark } from './benchmark';
import { checkLog } from './check-log';
import { compiled } from './compiled';
import { openRooms } from './handlers';
import { rebuildBesideReads } from './rebuild-beside-reads';
import { inTurns } from './rounds';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { UsageMeter } from './usage';

/** The reader behind the first version of the view. */
const liveReader = 'projection:subscriptions:0';

/** The view catches up with a backlog, against a loop that reads the log and writes the same rows. */
export const project: Benchmark = {
  name: 'project',
  title: 'From the log to the view',
  async run({ options: { rounds, events, seconds, rebuild: rebuildEvents }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const { projections } = compiled;
    const app = await openRooms(database.url, projections.ProjectorModule.with());
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const check = new LogCheck();
    const meter = new UsageMeter();
    const backlog = new Backlog(client, check);
    const catchUp = () => backlog.workedOffBy(liveReader, events);
    await catchUp();
    const bare = await BareProjection.open(database.url);
    const measured = await inTurns(rounds, meter, {
      name: `catching up with ${events} events`,
      unit: 'events/s',
      ours: catchUp,
      bare: { name: 'bare read and write loop', run: () => bare.catchUp() },
    });
    say(`catch-up: ratio ${measured.ratio!.toFixed(2)}`);
    if (rebuildEvents > backlog.lastMark) await backlog.workedOffBy(liveReader, rebuildEvents - backlog.lastMark);
    await app.close();
    say(`rebuilding ${backlog.lastMark} events`);
    const projector = await ServiceProcess.start({
      ROLES: 'projector',
      ...serviceEnvironment(database.url, brokers),
    });
    const readers = await openRooms(database.url, projections.ProjectionQueriesModule);
    const rebuilt = await rebuildBesideReads(
      readers.get(projections.SubscriptionViewStore, { strict: false }),
      readers.get(projections.ProjectionOperations, { strict: false }),
      { subscriptions: backlog.streams, events: backlog.lastMark, quietS: seconds * 2 },
    );
    await readers.close();
    await projector.stop();
    await checkLog(database.url, check);
    const views = await compareViews(client);
    await Promise.all([bare.close(), client.end()]);
    await database.drop();
    return {
      measurements: [measured, ...rebuilt.measurements],
      goals: [
        { text: 'catch-up, part of the bare loop', value: measured.ratio!, relation: 'at least', limit: 0.6, unit: '' },
        ...rebuilt.goals,
      ],
      usage: meter.usage(),
      checked: { committed: check.committedCount(), seen: check.seenCount(), views: views.count, reads: rebuilt.reads },
      faults: [...check.faults(), ...views.faults, ...rebuilt.faults],
    };
  },
};

/** Every subscription of the log as its last event left it, and none besides. */
async function compareViews(client: Client): Promise<{ count: number; faults: string[] }> {
  const { rows } = await client.query<{ count: number; wrong: number }>(`
    with last as (
      select distinct on (stream_id) data ->> 'subscription_id' as id, version, type, data ->> 'end_date' as end_date
      from event order by stream_id, version desc
    )
    select count(*)::integer as count,
           count(*) filter (where v.subscription_id is null or l.id is null or v.version <> l.version
             or v.end_date::text <> l.end_date or l.type <> 'nl.medmij.subscription.' || v.status || '.v1')::integer as wrong
    from last l full join (
      select * from subscription_view where slot = (select live_slot from projection where name = 'subscriptions')
    ) v on v.subscription_id = l.id`);
  const { count, wrong } = rows[0]!;
  return { count, faults: wrong === 0 ? [] : [`${wrong} of ${count} subscriptions differ between log and view`] };
}
