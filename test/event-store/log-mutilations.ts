import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LogReader } from '../../src/event-store';
import type { Database, Queries } from '../../src/platform';
import type { Connection } from '../support/connection';

const migrations = join(__dirname, '../../migrations');
/** Where the present form of each append function stands. */
const single = '20261122T2100-event-log.sql';
const batch = '20261123T0310-lean-batches.sql';

/** The append functions as migrated, with the order guard cut out: what they would be without it. */
export async function cutOrderGuard(connection: Connection): Promise<void> {
  const functions = `${definitionOf('append_events', single)}\n${definitionOf('append_events_batch', batch)}`;
  await connection.client.query(
    cut(functions, [
      [' and (stream.last_epoch, stream.last_xid) <= (excluded.last_epoch, excluded.last_xid)', ''],
      [' and (last_epoch, last_xid) <= (v_epoch, v_xid)', ''],
      ['(r.last_epoch, r.last_xid) > (v_epoch, v_xid)', 'false'],
    ]),
  );
}

function definitionOf(name: string, file: string): string {
  const definition = new RegExp(`^create (?:or replace )?function ${name}\\([\\s\\S]*?^end \\$\\$;$`, 'm');
  return definition
    .exec(readFileSync(join(migrations, file), 'utf8'))![0]
    .replace('create function', 'create or replace function');
}

/** The log's reader with the xmin gate cut out: it reads on by the highest position seen. */
export function readerWithoutGate(database: Database): LogReader {
  const gate =
    'and (e.epoch, e.xid) < ((select epoch from log where name = $4), pg_snapshot_xmin(pg_current_snapshot()))';
  const ungated: Queries = {
    query: (name, text, values) =>
      name === 'log.page'
        ? database.query(`${name} without gate`, cut(text, [[gate, 'and $4::text is not null']]), values)
        : database.query(name, text, values),
  };
  return new LogReader(ungated as Database, 'main');
}

/** A cut that finds nothing to cut would prove nothing. */
function cut(text: string, cuts: readonly [string, string][]): string {
  return cuts.reduce((left, [part, replacement]) => {
    if (left.split(part).length !== 2) throw new Error(`The guard does not stand exactly once in the source: ${part}`);
    return left.replace(part, replacement);
  }, text);
}
