import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';

const pollMs = 5;
const drainedWithinMs = 300_000;

/** Until nothing waits or is under way any more. @returns when, in ms since 1970 */
export async function untilDelivered(client: Client): Promise<number> {
  const endMs = performance.now() + drainedWithinMs;
  while (performance.now() < endMs) {
    const { rows } = await client.query({
      name: 'unfinished',
      text: `select 1 from delivery where state in ('pending', 'sending', 'parked') limit 1`,
    });
    if (rows.length === 0) return performance.timeOrigin + performance.now();
    await pause(pollMs);
  }
  throw new Error('The notifications were not delivered in time.');
}
