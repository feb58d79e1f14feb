import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Arrival } from './receiver-process';

const pollMs = 10;
const readWithinMs = 300_000;
/** The first of a measurement find a process that is only starting. */
const startPart = 0.1;

/**
 * Makes the queue `size` long: copies of what waits in it, each of a subscription of its own, due in the order in which they stand in
 * the table, as they are when they were planned one after the other. Something must wait in it.
 */
export async function fillQueue(client: Client, size: number): Promise<void> {
  await client.query(fillSql, [size]);
}

/** Nothing waits any more. */
export async function emptyQueue(client: Client): Promise<void> {
  await client.query('truncate delivery');
}

/** Events a second that a reader takes in, over the next `events` of them, without the first tenth. */
export async function readingRate(client: Client, name: string, events: number): Promise<number> {
  const from = await placeOf(client, name);
  const endMs = performance.now() + readWithinMs;
  let begun: { atMs: number; place: number } | undefined;
  while (performance.now() < endMs) {
    const place = (await placeOf(client, name)) - from;
    if (place >= events * startPart) begun ??= { atMs: performance.now(), place };
    if (begun && place >= events) return ((place - begun.place) / (performance.now() - begun.atMs)) * 1e3;
    await pause(pollMs);
  }
  throw new Error(`The reader ${name} did not get on.`);
}

/** Notifications a second, without the first tenth. */
export function arrivedRate(arrivals: readonly Arrival[]): number {
  const from = Math.floor(arrivals.length * startPart);
  return ((arrivals.length - 1 - from) / (arrivals.at(-1)!.atMs - arrivals[from]!.atMs)) * 1e3;
}

/** Lets a reader that does not run believe that it has read everything. */
export async function skipToEnd(client: Client, name: string): Promise<{ restore(): Promise<void> }> {
  const move = (epoch: number, xid: string, pos: string) =>
    client.query(`update log_reader set epoch = $2, xid = $3::xid8, pos = $4 where name = $1`, [name, epoch, xid, pos]);
  const { rows } = await client.query<{ epoch: number; xid: string; pos: string }>(
    `select epoch, xid::text as xid, pos::text as pos from log_reader where name = $1`,
    [name],
  );
  const { rows: ends } = await client.query<{ epoch: number; xid: string; pos: string }>(
    // Without the alias it would be ordered by the texts of the answer, where 9 comes after 10.
    `select e.epoch, e.xid::text as xid, e.pos::text as pos from event e order by e.epoch desc, e.xid desc, e.pos desc limit 1`,
  );
  await move(ends[0]!.epoch, ends[0]!.xid, ends[0]!.pos);
  const { epoch, xid, pos } = rows[0]!;
  return { restore: async () => void (await move(epoch, xid, pos)) };
}

/** The number of the last event it has read: events of a backlog are numbered without a gap. */
async function placeOf(client: Client, name: string): Promise<number> {
  const { rows } = await client.query<{ pos: string }>({
    name: 'place',
    text: 'select pos::text as pos from log_reader where name = $1',
    values: [name],
  });
  return Number(rows[0]?.pos ?? 0);
}

const fillSql = `
  with waiting as materialized (
    select d.*, row_number() over (order by due_at, delivery_id) as n from delivery d
  ), made as (
    insert into notified_subscription (subscription_id, started_at, planned_sequence, told_sequence)
    select md5('queued' || n)::uuid || '.1', now(), 1, 1 from generate_series(1, $1::integer) as n
  )
  insert into delivery (
    delivery_id, subscription_id, sequence, client_id, service_id, interface_version, provider, person_id, notification_type,
    end_date, correlation_id, endpoint_id, state, due_at, first_due_at, created_at, deadline_at)
  select gen_random_uuid(), md5('queued' || n.n)::uuid || '.1', 1, w.client_id, w.service_id, w.interface_version, w.provider,
         w.person_id, w.notification_type, w.end_date, 'queued-' || n.n, w.endpoint_id, 'pending', planned.at, planned.at,
         planned.at, w.deadline_at
  from generate_series(1, $1::integer) as n join waiting w on w.n = 1 + n.n % (select count(*) from waiting)
  cross join lateral (select now() - ($1 - n.n) * interval '1 microsecond' as at) planned
  order by n.n`;
