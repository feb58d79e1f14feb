import { keptSince } from '../audit';
import type { Database } from '../platform';
import { type DeliveryState, deliveryStates, type NotificationType } from './delivery';
import { finishedRows, unfinishedRows } from './delivery-records.store';

const dayMs = 86_400_000;
/**
 * How far back a report may begin, and what was planned is known: as long as the log of attempts keeps every ending. It goes by the month
 * in which an ending was written, and none is written before it is planned.
 */
export const reportReach = keptSince;
/** The longest period of one report. */
export const reportMaxDays = 7;
/** Hours that are still being added to, or were a short while ago. */
const addUpDays = 1;

/** What was planned for a client in a period, and where each of it stands. */
export type DeliveryBalance = {
  client_id: string;
  notification_type: NotificationType;
  planned: number;
  /** Planned, and nowhere to be found; negative: more is there than was planned. */
  lost: number;
} & Record<DeliveryState, number>;

export interface ReportPeriod {
  /** Full hours; `until` left out. */
  since: Date;
  until: Date;
  clientId?: string;
}

/** What was planned, beside what became of it. */
export class DeliveryLedger {
  constructor(private readonly database: Database) {}

  /**
   * Both sides of the balance in one statement, and so of one moment, whatever is planned and sent meanwhile: the count that was
   * written with the deliveries, and the deliveries that are there. By client and type, `limit` rows after `after`.
   */
  async report(
    { since, until, clientId }: ReportPeriod,
    after: Pick<DeliveryBalance, 'client_id' | 'notification_type'> | undefined,
    limit: number,
  ): Promise<DeliveryBalance[]> {
    return this.database.query<DeliveryBalance>('ledger.report', reportSql, [
      since,
      until,
      clientId ?? null,
      after?.client_id ?? '',
      after?.notification_type ?? '',
      limit,
    ]);
  }

  /** Adds up the rows of an hour, and forgets the hours of which nothing can be told any more. */
  async keep(now: Date): Promise<void> {
    await this.database.query('ledger.add-up', addUpSql, [new Date(now.getTime() - addUpDays * dayMs)]);
    await this.database.query('ledger.forget', 'delete from delivery_ledger where hour < $1', [reportReach(now)]);
  }
}

const countOf = (state: DeliveryState) => `count(*) filter (where state = '${state}')`;

const reportSql = `
  with planned as (
    select client_id, notification_type, sum(planned) as planned from delivery_ledger
    where hour >= $1 and hour < $2 and ($3::text is null or client_id = $3)
    group by 1, 2
  ), found as (
    select client_id, notification_type, count(*) as found, ${deliveryStates.map((state) => `${countOf(state)} as ${state}`).join(', ')}
    from (${unfinishedRows} union all ${finishedRows}) known
    where created_at >= $1 and created_at < $2 and ($3::text is null or client_id = $3)
    group by 1, 2
  )
  select client_id, notification_type, coalesce(planned, 0)::float8 as planned,
         ${deliveryStates.map((state) => `coalesce(${state}, 0)::float8 as ${state}`).join(', ')},
         (coalesce(planned, 0) - coalesce(found, 0))::float8 as lost
  from planned full join found using (client_id, notification_type)
  where (client_id, notification_type) > ($4, $5)
  order by client_id, notification_type limit $6`;

const addUpSql = `
  with scattered as (
    select hour, client_id, notification_type from delivery_ledger where hour >= $1 group by 1, 2, 3 having count(*) > 1
  ), taken as (
    delete from delivery_ledger using (
      -- Whoever adds up at the same time takes other rows, or none.
      select l.ctid from delivery_ledger l join scattered using (hour, client_id, notification_type) for update of l skip locked
    ) mine
    where delivery_ledger.ctid = mine.ctid
    returning delivery_ledger.*
  )
  insert into delivery_ledger (hour, client_id, notification_type, planned)
  select hour, client_id, notification_type, sum(planned) from taken group by 1, 2, 3`;
