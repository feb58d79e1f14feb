import { type Database, percentLookedAt } from '../platform';
import type { SubscriptionStatus } from '../subscriptions';
import { live, statusOn, subscriptions } from './subscription-view.store';

/** Rows of one client that are counted one by one where the whole view is too large for it. */
const countedOfClientMax = 5_000;

const percentSql = `
  with size as (
    select pg_relation_size(case live_slot when 0 then 'subscription_view_0'::regclass else 'subscription_view_1'::regclass end) as bytes
    from projection where name = '${subscriptions}'
  ), looked_at as materialized (select (${percentLookedAt('bytes')})::real as percent from size)`;
const sample = 'subscription_view tablesample system ((select percent from looked_at)) repeatable (0)';
const runs = (today: string) => `status in ('active', 'suspended') and end_date > ${today}::date`;

/**
 * How many subscriptions there are: of a view of up to a hundred thousand or so exactly, of a larger one told from a sample, for
 * this is asked for every few seconds and must not take longer the more there are (docs/adr/0032).
 */
export class SubscriptionCounts {
  constructor(private readonly database: Database) {}

  /** As they read on `today`. */
  async byStatus(today: string): Promise<Record<SubscriptionStatus, number>> {
    const rows = await this.database.query<{ status: SubscriptionStatus; count: number }>(
      'subscription-counts.by-status',
      `${percentSql}
       select ${statusOn('$1')} as status, (count(*) * 100 / (select percent from looked_at))::integer as count
       from ${sample} where ${live} group by 1`,
      [today],
    );
    return {
      active: 0,
      suspended: 0,
      terminated: 0,
      expired: 0,
      ...Object.fromEntries(rows.map(({ status, count }) => [status, count])),
    };
  }

  /**
   * Subscriptions of each of these clients that have not ended by `today`, suspended or not; a client without any is not named. One
   * with few subscriptions is counted in any case, for a sample would miss it.
   */
  async running(clientIds: readonly string[], today: string): Promise<Map<string, number>> {
    const rows = await this.database.query<{ client_id: string; count: number }>(
      'subscription-counts.running',
      `${percentSql}, counted as (
         select asked.client_id, looked.*
         from unnest($1::text[]) as asked (client_id) cross join lateral (
           select count(*) as rows, count(*) filter (where ${runs('$2')}) as running from (
             select status, end_date from subscription_view view
             where ${live} and view.client_id = asked.client_id limit $3) few) looked
       ), estimated as (
         select client_id, count(*) * 100 / (select percent from looked_at) as running
         from ${sample}
         where ${live} and client_id in (select client_id from counted where rows = $3) and ${runs('$2')} group by client_id)
       select client_id, greatest(counted.running, coalesce(estimated.running, 0))::integer as count
       from counted left join estimated using (client_id)
       where counted.running > 0 or estimated.running > 0`,
      [clientIds, today, countedOfClientMax],
    );
    return new Map(rows.map(({ client_id, count }) => [client_id, count]));
  }
}
