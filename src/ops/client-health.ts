import { z } from 'zod';
import { type SuspendedClients, suspensionReasons } from '../clients';
import type { DeliveryRecords } from '../notifications';

/** Clients that are named at once. */
const clientsMax = 100;
/** As in the metrics: two more tries remain. */
const atRiskS = 10 * 60;

/** How a client is doing that waits for something, cannot be reached, or is suspended (decided). */
export const clientHealth = z.strictObject({
  client_id: z.string(),
  oldest_undelivered_s: z.number().min(0).nullable(),
  at_risk: z.int().min(0).meta({ description: 'Resource notifications that are late or have ten minutes left.' }),
  breaker: z.enum(['closed', 'open', 'half_open']),
  suspended_reason: z.enum(suspensionReasons).nullable(),
});
export type ClientHealth = z.output<typeof clientHealth>;

/** Clients that are not well, those that wait longest first. */
export async function healthOf(
  deliveries: DeliveryRecords,
  suspended: SuspendedClients,
  now: Date,
): Promise<ClientHealth[]> {
  const [oldest, risks, breakers] = await Promise.all([
    deliveries.oldestUndelivered(now),
    deliveries.atRisk(now, atRiskS),
    deliveries.breakers(now),
  ]);
  const clients = new Map<string, ClientHealth>();
  const of = (client_id: string): ClientHealth => {
    const known = clients.get(client_id) ?? {
      client_id,
      oldest_undelivered_s: null,
      at_risk: 0,
      breaker: 'closed',
      suspended_reason: null,
    };
    clients.set(client_id, known);
    return known;
  };
  for (const { client_id, seconds } of oldest) of(client_id).oldest_undelivered_s = seconds;
  for (const { client_id, count } of risks) of(client_id).at_risk = count;
  for (const [client_id, breaker] of breakers) if (breaker !== 'closed') of(client_id).breaker = breaker;
  for (const { client_id, reason } of suspended.all()) of(client_id).suspended_reason = reason;
  return [...clients.values()]
    .sort((one, other) => (other.oldest_undelivered_s ?? -1) - (one.oldest_undelivered_s ?? -1))
    .slice(0, clientsMax);
}
