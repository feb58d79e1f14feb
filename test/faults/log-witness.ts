import type { Effect, ReaderStep } from './checks/lease-check';
import type { Surroundings } from './surroundings';

/** Tables that only a reader of the log writes, together with its checkpoint: `what` is written by it alone. */
const effects = [
  { table: 'subscription_view_0', reader: 'projection:subscriptions:0', what: 'insert or update' },
  { table: 'subscription_view_1', reader: 'projection:subscriptions:1', what: 'insert or update' },
  // Resource changes write to `delivery` too; how far a subscription has been planned is the planner's own.
  { table: 'notified_subscription', reader: 'planner', what: 'insert or update of planned_sequence' },
];

/**
 * The database's own account of who moved the readers of the log, written by triggers in the transactions themselves: what a
 * frozen process would say about itself is no evidence.
 */
export async function placeWitness(world: Surroundings): Promise<void> {
  await world.rows(`
    create table witnessed_step (
      n bigint generated always as identity, at timestamptz default clock_timestamp(), process text, reader text, fence bigint,
      took boolean, position text, transaction xid8);
    create table witnessed_effect (reader text, table_name text, transaction xid8, unique (reader, table_name, transaction));
    create function witness_step() returns trigger language plpgsql as $$ begin
      if new.fence <> old.fence or (new.epoch, new.xid, new.pos) <> (old.epoch, old.xid, old.pos) then
        insert into witnessed_step (process, reader, fence, took, position, transaction)
        values (current_setting('application_name'), new.name, new.fence, new.fence <> old.fence,
                log_position(new.epoch, new.xid, new.pos), pg_current_xact_id());
      end if;
      return null;
    end $$;
    create trigger witness_step after update on log_reader for each row execute function witness_step();
    create function witness_effect() returns trigger language plpgsql as $$ begin
      insert into witnessed_effect values (tg_argv[0], tg_table_name, pg_current_xact_id()) on conflict do nothing;
      return null;
    end $$;`);
  for (const { table, reader, what } of effects) {
    await world.rows(
      `create trigger witness_effect after ${what} on ${table}
       for each statement execute function witness_effect('${reader}')`,
    );
  }
}

export async function witnessedSteps(world: Surroundings): Promise<ReaderStep[]> {
  const rows = await world.rows<{
    atMs: number;
    process: string;
    reader: string;
    fence: string;
    took: boolean;
    position: string;
    transaction: string;
  }>(
    `select (extract(epoch from at) * 1000)::float8 as "atMs", process, reader, fence::text as fence, took, position,
            transaction::text as transaction
     from witnessed_step order by n`,
  );
  return rows.map(({ fence, took, ...step }) => ({ ...step, fence: BigInt(fence), kind: took ? 'took' : 'moved' }));
}

export function witnessedEffects(world: Surroundings): Promise<Effect[]> {
  return world.rows<Effect & Record<string, unknown>>(
    'select reader, table_name as "table", transaction::text as transaction from witnessed_effect',
  );
}
