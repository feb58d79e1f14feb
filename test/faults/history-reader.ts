import type { HistoryCheck } from './checks/history-check';
import { digestOf, type EventData } from './checks/log-history';
import type { ViewRow } from './checks/view-check';
import type { KafkaSide } from './kafka-side';
import { witnessedEffects, witnessedSteps } from './log-witness';
import type { RequestLoad } from './request-load';
import type { Surroundings } from './surroundings';

/** Rows read at once. */
const pageSize = 20_000;
const keyPrefix = 'authorization:';

/** Feeds the check with all that both sides saw of a run that has come to rest. */
export async function readHistory(
  world: Surroundings,
  kafka: KafkaSide,
  load: RequestLoad,
  check: HistoryCheck,
): Promise<void> {
  await readLog(world, check);
  await readRequests(world, kafka, load, check);
  await readReaders(world, check);
  await kafka.readAll('medmij.subscriptions.v1', ({ partition, offset, key, headers, value }) =>
    check.published.add({
      stream: key,
      version: Number(headers.ce_streamversion),
      id: headers.ce_id ?? 'without an id',
      partition,
      offset,
      digest: digestOf(value),
    }),
  );
  await readView(world, check);
  await readTold(world, check);
}

async function readLog(world: Surroundings, check: HistoryCheck): Promise<void> {
  let after: [number, string, string] = [0, '0', '0'];
  for (;;) {
    const rows = await world.rows<{
      epoch: number;
      xid: string;
      pos: string;
      position: string;
      stream: string;
      version: number;
      id: string;
      type: string;
      correlation: string;
      occurredAt: Date;
      data: EventData;
    }>(
      `select epoch, xid::text as xid, pos::text as pos, log_position(epoch, xid, pos) as position, stream_id as stream,
              version, event_id as id, type, metadata ->> 'correlation_id' as correlation, occurred_at as "occurredAt", data
       from event where (epoch, xid, pos) > ($1, $2::xid8, $3) and type like 'nl.medmij.subscription.%'
       order by event.epoch, event.xid, event.pos limit $4`,
      [...after, pageSize],
    );
    for (const row of rows) check.logged(row);
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    after = [last.epoch, last.xid, last.pos];
  }
}

async function readRequests(
  world: Surroundings,
  kafka: KafkaSide,
  load: RequestLoad,
  check: HistoryCheck,
): Promise<void> {
  const commands = await world.rows<{ key: string; stream: string; version: number }>(
    'select key, stream_id as stream, version from command',
  );
  for (const { key, stream, version } of commands) {
    if (key.startsWith(keyPrefix)) check.requests.carried({ id: key.slice(keyPrefix.length), stream, version });
  }
  for (const answer of load.acknowledged) check.requests.acknowledge(answer);
  for (const { id } of load.attempts) check.requests.tried(id);
  for (const { id, code } of load.refused) check.requests.refuse(id, code);
  await kafka.readAll('medmij.authorizations.v1', ({ partition, offset, headers }) =>
    check.requests.receive(headers.ce_id!, `${partition}:${offset}`),
  );
  await kafka.readAll('medmij.dead-letters.v1', ({ headers }) => {
    const place = `${headers['x-dead-letter-partition']}:${headers['x-dead-letter-offset']}`;
    check.requests.bury(headers.ce_id!, place, headers['x-dead-letter-reason'] ?? 'without a reason');
  });
}

async function readReaders(world: Surroundings, check: HistoryCheck): Promise<void> {
  for (const step of await witnessedSteps(world)) {
    check.leases.add(step);
    if (step.reader === 'relay' && step.kind === 'took') check.published.takeover(step.position);
  }
  for (const effect of await witnessedEffects(world)) check.leases.effect(effect);
}

/** The view as it is live now. */
export async function readView(world: Surroundings, check: HistoryCheck): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await world.rows<ViewRow & Record<string, unknown>>(
      `select subscription_id, stream_id, client_id, provider, service_id, person_id, status, end_date::text as end_date,
              interface_version, version, started_at, updated_at, end_reason, suspended_by
       from subscription_view
       where slot = (select live_slot from projection where name = 'subscriptions') and subscription_id > $1 order by subscription_id limit $2`,
      [after, pageSize],
    );
    for (const row of rows) check.view.row(row);
    if (rows.length < pageSize) break;
    after = rows.at(-1)!.subscription_id;
  }
  check.view.end();
}

async function readTold(world: Surroundings, check: HistoryCheck): Promise<void> {
  for (const { headers, body } of world.dvp.received) {
    check.told.notified({
      subscription: String(body.subscription_id),
      endDate: String(body.end_date),
      correlation: String(headers['x-correlation-id']),
    });
  }
  const dropped = await world.rows<{ id: string }>(
    `select delivery_id as id from delivery_attempt where outcome = 'dropped' and error = 'superseded'`,
  );
  for (const { id } of dropped) check.told.supersede(id);
}
