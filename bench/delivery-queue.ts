import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';

const pollMs = 5;
const drainedWithinMs = 300_000;

/** Every endpoint has asked us to wait: what is planned from now on waits, and open connections stay open. */
export async function holdEndpoints(client: Client): Promise<void> {
  await client.query(`update notification_endpoint set held_until = now() + interval '1 hour'`);
}

export async function releaseEndpoints(client: Client): Promise<void> {
  await client.query('update notification_endpoint set held_until = null');
}

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
