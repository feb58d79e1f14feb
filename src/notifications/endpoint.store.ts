import type { Database } from '../platform';
import { type Breaker, breakerAfter, type BreakerState, breakerState, type Calls } from './breaker';

/** What all processes know of the endpoints of clients. */
export class EndpointStore {
  constructor(private readonly database: Database) {}

  /** Takes calls of which at least one failed into account; endpoints that are well are seen to where outcomes are recorded. */
  async recordFailures(calls: ReadonlyMap<number, Calls>, now: Date): Promise<void> {
    await this.database.transaction(async (queries) => {
      // In order, so that two processes never wait for each other.
      const rows = await queries.query<{ endpoint_id: number; failures: number; held_until: Date | null }>(
        'endpoint.lock',
        `select endpoint_id, failures, held_until from notification_endpoint
         where endpoint_id = any ($1) order by endpoint_id for no key update`,
        [[...calls.keys()]],
      );
      const after = rows.map(({ endpoint_id: id, failures, held_until: heldUntil }) =>
        breakerAfter({ failures, heldUntil }, calls.get(id)!, now, Math.random()),
      );
      await queries.query(
        'endpoint.save',
        `update notification_endpoint e set failures = n.failures, held_until = n.held_until
         from unnest($1::integer[], $2::integer[], $3::timestamptz[]) as n (endpoint_id, failures, held_until)
         where e.endpoint_id = n.endpoint_id and (e.failures, e.held_until) is distinct from (n.failures, n.held_until)`,
        [
          rows.map(({ endpoint_id: id }) => id),
          after.map(({ failures }) => failures),
          after.map(({ heldUntil }) => heldUntil),
        ],
      );
    });
  }

  /** The breaker of each client that we have ever told anything: of its endpoints the one that is worst off. */
  async breakers(now: Date, clientId?: string): Promise<Map<string, BreakerState>> {
    const rows = await this.database.query<{ client_id: string } & Breaker>(
      'endpoint.breakers',
      `select client_id, failures, held_until as "heldUntil" from notification_endpoint
       where $1::text is null or client_id = $1`,
      [clientId ?? null],
    );
    const worst = new Map<string, BreakerState>();
    for (const { client_id: id, ...breaker } of rows) {
      const state = breakerState(breaker, now);
      if (severity[state] >= severity[worst.get(id) ?? 'closed']) worst.set(id, state);
    }
    return worst;
  }
}

const severity: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };
