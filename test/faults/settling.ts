import type { RequestLoad } from './request-load';
import type { Surroundings } from './surroundings';
import type { KafkaSide } from './kafka-side';

const lookEveryMs = 250;
const readers = ['planner', 'projection:subscriptions:0', 'relay'];

/** Waits until the service has nothing left to do; what it was still doing when the time was up. */
export async function settled(
  world: Surroundings,
  kafka: KafkaSide,
  load: RequestLoad,
  withinMs: number,
): Promise<string[]> {
  const waiting = new Set(load.sent);
  const end = performance.now() + withinMs;
  for (;;) {
    const busy = await unfinished(world, kafka, waiting).catch((error: unknown) => [String(error)]);
    if (busy.length === 0 || performance.now() > end) return busy;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

async function unfinished(world: Surroundings, kafka: KafkaSide, waiting: Set<string>): Promise<string[]> {
  const behind = await world.rows<{ name: string }>(
    `select name from log_reader
     where name = any ($1) and (epoch, xid, pos) < (select epoch, xid, pos from event order by 1 desc, 2 desc, 3 desc limit 1)`,
    [readers],
  );
  const [deliveries] = await world.rows<{ count: number }>(
    `select count(*)::integer as count from delivery where state in ('pending', 'sending', 'parked')`,
  );
  const carriedOut = await world.rows<{ id: string }>(
    `select id from unnest($1::text[]) as sent (id) join command on command.key = 'authorization:' || sent.id`,
    [[...waiting]],
  );
  for (const { id } of carriedOut) waiting.delete(id);
  if (waiting.size > 0) {
    await kafka.readAll('medmij.dead-letters.v1', ({ headers }) => void waiting.delete(headers.ce_id!));
  }
  return [
    ...behind.map(({ name }) => `${name} is behind`),
    ...(deliveries!.count > 0 ? [`${deliveries!.count} deliveries are unfinished`] : []),
    ...(waiting.size > 0 ? [`${waiting.size} records have no outcome, ${[...waiting][0]} among them`] : []),
  ];
}
