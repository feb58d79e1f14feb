import type { Database } from '../platform';
import type { NotificationType } from './delivery';

/** An endpoint as the client list names one. */
export interface EndpointName {
  client_id: string;
  service_id: string;
  interface_version: string;
  notification_type: NotificationType;
}

/** An endpoint that we have ever had something to tell, as operators see it. */
export interface EndpointView extends EndpointName {
  /** In a row, as the breaker counts them; 0: its last answer was a good one. */
  failures: number;
  held_until: Date | null;
  /** The three are null while it is well. */
  failing_since: Date | null;
  failed_at: Date | null;
  warned_at: Date | null;
}

/** A client of which no endpoint has given a good answer for that long. */
export interface FailingClient {
  client_id: string;
  failing_since: Date;
  failed_at: Date;
}

/** How endpoints of clients are doing. Time of failure: from the first failure after a good answer to the last one seen (docs/adr/0028). */
export class EndpointRecords {
  constructor(private readonly database: Database) {}

  /** By their names, `limit` endpoints after `after`. */
  async list(
    { clientId, isFailing }: { clientId?: string; isFailing?: boolean },
    after: EndpointName | undefined,
    limit: number,
  ): Promise<EndpointView[]> {
    return this.database.query<EndpointView>('endpoint.list', listSql, [
      clientId ?? null,
      isFailing ?? null,
      after?.client_id ?? '',
      after?.service_id ?? '',
      after?.interface_version ?? '',
      after?.notification_type ?? '',
      limit,
    ]);
  }

  /** For each client that has an endpoint that fails: how long the one that is worst off does, and of how many there was a warning. */
  async failing(): Promise<{ client_id: string; seconds: number; warned: number }[]> {
    return this.database.query<{ client_id: string; seconds: number; warned: number }>(
      'endpoint.failing',
      `select client_id, max(extract(epoch from failed_at - failing_since))::float8 as seconds, count(warned_at)::integer as warned
       from notification_endpoint where failures > 0 and failing_since is not null group by client_id`,
    );
  }

  /** Those that have failed for `afterS` by now and of which nobody has been warned yet: that is now. Each is returned once. */
  async warn(now: Date, afterS: number): Promise<EndpointView[]> {
    return this.database.query<EndpointView>(
      'endpoint.warn',
      `update notification_endpoint e set warned_at = $1 where ${hasFailedFor('$2')} and e.warned_at is null returning ${viewColumns}`,
      [now, afterS],
    );
  }

  /**
   * Clients with an endpoint that has failed for `afterS`, and none that has given a good answer meanwhile. Not those that are
   * suspended: when one is resumed its endpoints begin anew, in one step with that.
   */
  async failingClients(afterS: number): Promise<FailingClient[]> {
    return this.database.query<FailingClient>('endpoint.failing-clients', failingClientsSql, [afterS]);
  }
}

const whileFailing = (column: string) => `case when e.failures > 0 then e.${column} end as ${column}`;
const viewColumns = `e.client_id, e.service_id, e.interface_version, e.notification_type, e.failures, e.held_until,
  ${['failing_since', 'failed_at', 'warned_at'].map(whileFailing).join(', ')}`;
const hasFailedFor = (seconds: string) =>
  `e.failures > 0 and e.failed_at - e.failing_since >= ${seconds} * interval '1 second'`;

const listSql = `
  select ${viewColumns} from notification_endpoint e
  where ($1::text is null or e.client_id = $1) and ($2::boolean is null or (e.failures > 0) = $2)
    and (e.client_id, e.service_id, e.interface_version, e.notification_type) > ($3, $4, $5, $6)
  order by e.client_id, e.service_id, e.interface_version, e.notification_type limit $7`;

/** Good answers are looked for among what was planned since an hour before the failing began: what is older is late by then. */
const failingClientsSql = `
  select e.client_id, min(e.failing_since) as failing_since, max(e.failed_at) as failed_at
  from notification_endpoint e
  where ${hasFailedFor('$1')}
    and not exists (select 1 from parked_client p where p.client_id = e.client_id)
    and not exists (
      select 1 from delivery_attempt a
      where a.client_id = e.client_id and a.outcome <> 'retry' and a.created_at >= e.failing_since - interval '1 hour'
        and a.at >= e.failing_since
        and (a.outcome = 'delivered' or a.status < 500 and a.status not in (408, 425, 429)))
  group by e.client_id order by e.client_id`;
