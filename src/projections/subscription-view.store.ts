import { randomUUID } from 'node:crypto';
import { suspendedClientIds } from '../clients';
import type { Database, Queries } from '../platform';
import type { SubscriptionStatus } from '../subscriptions';
import type { Slot } from './projection.store';
import type { SubscriptionView } from './subscription.projection';

export interface SubscriptionFilter {
  client_id?: string;
  provider?: string;
  service_id?: string;
  status?: SubscriptionStatus;
  person_id?: string;
}

/** The place of a row in the order of a list: newest first. */
export interface ListPlace {
  startedAt: string;
  subscriptionId: string;
}

/** The projection of subscriptions, by the name that the operators' API has for it. */
export const subscriptions = 'subscriptions';

/**
 * The rows of the subscription view: written in batches by the projector, into one slot; read by operators, out of the slot that
 * is live. Which one that is, is part of each reading statement, so that no answer is a mix of two versions.
 */
export class SubscriptionViewStore {
  constructor(private readonly database: Database) {}

  async viewsOf(
    slot: Slot,
    subscriptionIds: readonly string[],
    queries: Queries,
  ): Promise<Map<string, SubscriptionView>> {
    const rows = await queries.query<SubscriptionView>(
      `subscription-view.of.${slot}`,
      `select ${columns} from subscription_view_${slot} where slot = ${slot} and subscription_id = any ($1)`,
      [subscriptionIds],
    );
    return new Map(rows.map((row) => [row.subscription_id, row]));
  }

  /** One statement for the whole page; a row only ever moves to a higher version. */
  async put(slot: Slot, views: readonly SubscriptionView[], queries: Queries): Promise<void> {
    await queries.query(`subscription-view.put.${slot}`, putSql(slot), [
      ...columnNames.map((name) => views.map((view) => view[name])),
    ]);
  }

  /**
   * Everything out of a slot. The lock that this takes shuts out readers too, for their statements name both slots: it is waited
   * for shortly only, and held until the transaction ends.
   */
  async empty(slot: Slot, queries: Queries): Promise<void> {
    await queries.query('subscription-view.lock-timeout', `select set_config('lock_timeout', $1, true)`, [
      `${emptyLockTimeoutMs}ms`,
    ]);
    await queries.query(`subscription-view.empty.${slot}`, `truncate subscription_view_${slot}`);
  }

  /** Figures for the planner of queries: a slot that has just been filled has none yet. */
  async analyze(slot: Slot): Promise<void> {
    await this.database.query(`subscription-view.analyze.${slot}`, `analyze subscription_view_${slot}`);
  }

  /** Up to `limit` rows of a slot, by chance; all of them when there are no more. */
  async sample(slot: Slot, limit: number, queries: Queries): Promise<SubscriptionView[]> {
    return queries.query<SubscriptionView>(
      `subscription-view.sample.${slot}`,
      `with few as materialized (select subscription_id from subscription_view_${slot} limit $1 + 1)
       select ${columns} from subscription_view_${slot} where slot = ${slot} and subscription_id in (
         select subscription_id from few where (select count(*) from few) <= $1
         union
         select near.subscription_id from unnest($2::text[]) as pick (id) cross join lateral (
           select subscription_id from subscription_view_${slot} v
           where v.slot = ${slot} and v.subscription_id >= pick.id order by v.slot, v.subscription_id limit 1) near
         where (select count(*) from few) > $1)`,
      [limit, Array.from({ length: limit }, () => randomUUID())],
    );
  }

  /** The subscription as it stands on `today`: one whose end date has come reads as expired, noticed or not (domain.md 1). */
  async find(subscriptionId: string, today: string): Promise<SubscriptionView | undefined> {
    const [row] = await this.database.query<SubscriptionView>(
      'subscription-view.find',
      `select ${columnsOn('$2')} from subscription_view where ${live} and subscription_id = $1`,
      [subscriptionId, today],
    );
    return row;
  }

  /** Newest first, `limit` rows after `after`. */
  async list(
    filter: SubscriptionFilter,
    after: ListPlace | undefined,
    limit: number,
    today: string,
  ): Promise<(SubscriptionView & { place: string })[]> {
    const values: unknown[] = [today, limit];
    const conditions: string[] = [live];
    const value = (content: unknown) => `$${values.push(content)}`;
    const named = (['client_id', 'provider', 'service_id', 'person_id'] as const).filter(
      (name) => filter[name] !== undefined,
    );
    for (const name of named) conditions.push(`${name} = ${value(filter[name])}`);
    // Of a client that is suspended nothing is active: said once, or every row of the client would be read to find none.
    if (filter.client_id !== undefined && filter.status === 'active')
      conditions.push(`${value(filter.client_id)} not in ${suspendedClientIds}`);
    if (after)
      conditions.push(
        `(started_at, subscription_id) < (${value(after.startedAt)}::timestamptz, ${value(after.subscriptionId)})`,
      );
    // The name follows the shape, so that each shape is prepared once.
    const name = `subscription-view.list.${named.join('.')}.${filter.status ?? ''}.${after ? 'after' : ''}`;
    return this.database.query<SubscriptionView & { place: string }>(name, pageSql(conditions, filter.status), values);
  }

  /** Which of these clients have a subscription that has not ended by `today`, suspended or not; one of each is enough. */
  async withRunning(clientIds: readonly string[], today: string): Promise<string[]> {
    const rows = await this.database.query<{ client_id: string }>(
      'subscription-view.with-running',
      // From the newest on: there one that still runs is found first.
      `select asked.client_id from unnest($1::text[]) as asked (client_id)
       cross join lateral (select from subscription_view view
                           where ${live} and view.client_id = asked.client_id
                             and status in ('active', 'suspended') and end_date > $2::date
                           order by started_at desc limit 1) as running`,
      [clientIds, today],
    );
    return rows.map(({ client_id }) => client_id);
  }
}

/** How long readers may have to wait when a slot is emptied, at most. */
const emptyLockTimeoutMs = 100;

/** Part of every statement that reads: asked in its own snapshot, answered from one row, and the other slot is not looked at. */
export const live = `slot = (select live_slot from projection where name = '${subscriptions}')`;

const columnNames = [
  'subscription_id',
  'stream_id',
  'client_id',
  'provider',
  'service_id',
  'person_id',
  'status',
  'end_date',
  'interface_version',
  'version',
  'started_at',
  'updated_at',
  'end_reason',
  'suspended_by',
] as const satisfies readonly (keyof SubscriptionView)[];

const columnTypes: Partial<Record<(typeof columnNames)[number], string>> = {
  stream_id: 'uuid',
  person_id: 'uuid',
  end_date: 'date',
  version: 'integer',
  started_at: 'timestamptz',
  updated_at: 'timestamptz',
};

const columns = columnNames.map((name) => (name === 'end_date' ? 'end_date::text as end_date' : name)).join(', ');

const hasLapsed = (today: string) => `(status in ('active', 'suspended') and end_date <= ${today}::date)`;
/** A suspended client suspends what is running of it (domain.md 11): shown so, never written, for one event would be a million rows. */
const restsWithClient = `(status in ('active', 'suspended') and client_id in ${suspendedClientIds})`;
/** How a row reads on a day. */
export const statusOn = (today: string) =>
  `case when ${hasLapsed(today)} then 'expired' when ${restsWithClient} then 'suspended' else status end`;

function columnsOn(today: string): string {
  return columnNames
    .map((name) => {
      if (name === 'end_date') return 'end_date::text as end_date';
      if (name === 'status') return `${statusOn(today)} as status`;
      if (name === 'end_reason')
        return `case when ${hasLapsed(today)} then 'expired' else end_reason end as end_reason`;
      if (name === 'suspended_by')
        return `case when ${hasLapsed(today)} then null when ${restsWithClient} then 'client' else suspended_by end as suspended_by`;
      return name;
    })
    .join(', ');
}

const statusConditions: Record<SubscriptionStatus, string> = {
  active: `status = 'active' and end_date > $1::date and client_id not in ${suspendedClientIds}`,
  suspended: `status = 'suspended' and end_date > $1::date`,
  terminated: `status = 'terminated'`,
  expired: `(status = 'expired' or ${hasLapsed('$1')})`,
};

const newestFirst = 'order by started_at desc, subscription_id desc limit $2';

/** A page of rows that meet the conditions, as they read on the day `$1`; `$2` rows at most. */
function pageSql(conditions: readonly string[], status: SubscriptionStatus | undefined): string {
  const rows = (...more: string[]) =>
    `select ${columnsOn('$1')}, started_at::text as place from subscription_view where ${[...conditions, ...more].join(' and ')} ${newestFirst}`;
  if (status === undefined) return rows();
  const own = rows(statusConditions[status]);
  if (status !== 'suspended') return own;
  // Each part walks an index in the order of the list and stops at the page's end; one condition for both would read every row.
  const withClient = rows(
    `status = 'active' and end_date > $1::date and subscription_view.client_id = suspended.client_id`,
  );
  return `
    select * from (
      (${own}) union all
      (select listed.* from ${suspendedClientIds} suspended cross join lateral (${withClient}) listed)
    ) both_kinds ${newestFirst}`;
}

const putSql = (slot: Slot) => `
  insert into subscription_view_${slot} (slot, ${columnNames.join(', ')})
  select ${slot}, * from unnest(${columnNames.map((name, index) => `$${index + 1}::${columnTypes[name] ?? 'text'}[]`).join(', ')})
  on conflict (slot, subscription_id) do update set
    ${columnNames
      .slice(1)
      .map((name) => `${name} = excluded.${name}`)
      .join(', ')}
  where excluded.version > subscription_view_${slot}.version`;
