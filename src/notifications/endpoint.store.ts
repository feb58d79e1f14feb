import type { Database } from '../platform';
import { breakerAfter, breakerFailures, type Calls } from './breaker';

/** The last failure of an endpoint is known to within this: not each one of many is worth a write. */
const failedAtWithinS = 10;

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
        // The first failure after a good answer, or after the client was resumed, begins the time of failure anew.
        `update notification_endpoint e
         set failures = n.failures, held_until = n.held_until, failed_at = $4,
             failing_since = case when e.failures = 0 then $4 else coalesce(e.failing_since, $4) end,
             warned_at = case when e.failures = 0 then null else e.warned_at end
         from unnest($1::integer[], $2::integer[], $3::timestamptz[]) as n (endpoint_id, failures, held_until)
         where e.endpoint_id = n.endpoint_id
           and ((e.failures, e.held_until) is distinct from (n.failures, n.held_until)
             or e.failed_at is null or e.failed_at < $4::timestamptz - $5 * interval '1 second')`,
        [
          rows.map(({ endpoint_id: id }) => id),
          after.map(({ failures }) => failures),
          after.map(({ heldUntil }) => heldUntil),
          now,
          failedAtWithinS,
        ],
      );
    });
  }

  /** Probes that turned out to have nothing to send have found nothing out: the next ones need not wait for them. */
  async probeAnew(endpoints: readonly number[], now: Date): Promise<void> {
    await this.database.query(
      'endpoint.probe-anew',
      `update notification_endpoint e set held_until = $2
       from (
         select endpoint_id from notification_endpoint
         where endpoint_id = any ($1) and failures >= $3 and held_until > $2 order by endpoint_id for no key update
       ) held
       where e.endpoint_id = held.endpoint_id`,
      [endpoints, now, breakerFailures],
    );
  }
}
