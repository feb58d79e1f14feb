import type { Database } from '../platform';
import { type ListPlace, live } from './subscription-view.store';

/** What a group of subscriptions has in common: their client, the service of a provider, or their person. */
export type Group = { client_id: string } | { provider: string; service_id: string } | { person_id: string };

/** Each group is one or two of these, together the beginning of an index. */
const groupColumns = ['client_id', 'provider', 'service_id', 'person_id'] as const;

export interface GroupedSubscription {
  subscription_id: string;
  /** For the next page. */
  place: ListPlace;
}

/**
 * The view by groups, for whoever does something to all running subscriptions of a client, a service or a person. By each
 * subscription's own status: that its client is suspended is not looked at.
 */
export class RunningSubscriptions {
  constructor(private readonly database: Database) {}

  /** Ids of clients that ever had a subscription, `limit` after `after`: one look into the index for each. */
  async clientIds(after: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ client_id: string }>('running.client-ids', clientIdsSql, [after, limit]);
    return rows.map(({ client_id }) => client_id);
  }

  /** The same for services of providers. */
  async services(
    after: { provider: string; service_id: string },
    limit: number,
  ): Promise<{ provider: string; service_id: string }[]> {
    return this.database.query('running.services', servicesSql, [after.provider, after.service_id, limit]);
  }

  /** Oldest first, `limit` after `after`: those that have not ended by `today`, or of them those of one status. */
  async of(
    group: Group,
    today: string,
    after: ListPlace | undefined,
    limit: number,
    status?: 'active' | 'suspended',
  ): Promise<GroupedSubscription[]> {
    const columns = groupColumns.filter((column) => column in group);
    const names = columns.map((column) => (group as Record<string, string>)[column]);
    const from = after ? [after.startedAt, after.subscriptionId] : [];
    const rows = await this.database.query<{ subscription_id: string; started_at: string }>(
      `running.of.${columns.join('.')}.${after ? 'after' : ''}`,
      `select subscription_id, started_at::text as started_at from subscription_view
       where ${live} and status = any ($1) and end_date > $2::date
         and ${columns.map((column, index) => `${column} = $${index + 4}`).join(' and ')}
         ${after ? `and (started_at, subscription_id) > ($${names.length + 4}::timestamptz, $${names.length + 5})` : ''}
       order by started_at, subscription_id limit $3`,
      [status ? [status] : ['active', 'suspended'], today, limit, ...names, ...from],
    );
    return rows.map(({ subscription_id, started_at }) => ({
      subscription_id,
      place: { startedAt: started_at, subscriptionId: subscription_id },
    }));
  }
}

const clientIdsSql = `
  with recursive one as (
    (select client_id from subscription_view where ${live} and client_id > $1 order by client_id limit 1)
    union all
    select (select v.client_id from subscription_view v where ${live} and v.client_id > one.client_id order by v.client_id limit 1)
    from one where one.client_id is not null
  )
  select client_id from one where client_id is not null limit $2`;

const servicesSql = `
  with recursive one as (
    (select provider, service_id from subscription_view where ${live} and (provider, service_id) > ($1, $2)
     order by provider, service_id limit 1)
    union all
    select next.provider, next.service_id from one cross join lateral (
      select v.provider, v.service_id from subscription_view v
      where ${live} and (v.provider, v.service_id) > (one.provider, one.service_id) order by v.provider, v.service_id limit 1) next
  )
  select provider, service_id from one limit $3`;
