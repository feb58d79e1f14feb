import { type LoggedEvent, streamOfSubscription, Violations } from './log-history';

/** A row of the subscription view. */
export interface ViewRow {
  subscription_id: string;
  stream_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  person_id: string;
  status: string;
  end_date: string;
  interface_version: string;
  version: number;
  started_at: Date;
  updated_at: Date;
  end_reason: string | null;
  suspended_by: string | null;
}

/** The projection against a fold of the log that shares no code with it: every row, every column, each event once. */
export class ViewCheck {
  private readonly violations = new Violations();
  private readonly folded = new Map<string, ViewRow>();
  private seen = new Set<string>();

  /** An event, in the log's order. */
  logged({ stream, version, type, occurredAt, data }: LoggedEvent): void {
    const { subscription_id, client_id, provider, service_id, person_id, end_date, interface_version, reason } = data;
    const before = this.folded.get(subscription_id);
    const what = type.split('.').at(-2)!;
    const by = reason ?? null;
    const status: Record<string, Pick<ViewRow, 'status' | 'end_reason' | 'suspended_by'>> = {
      started: { status: 'active', end_reason: null, suspended_by: null },
      resumed: { status: 'active', end_reason: null, suspended_by: null },
      adjusted: {
        status: before?.status ?? 'never started',
        end_reason: null,
        suspended_by: before?.suspended_by ?? null,
      },
      suspended: { status: 'suspended', end_reason: null, suspended_by: by },
      terminated: { status: 'terminated', end_reason: by, suspended_by: null },
      expired: { status: 'expired', end_reason: 'expired', suspended_by: null },
    };
    this.folded.set(subscription_id, {
      subscription_id,
      stream_id: stream,
      client_id,
      provider,
      service_id,
      person_id,
      end_date,
      interface_version,
      version,
      started_at: before?.started_at ?? occurredAt,
      updated_at: occurredAt,
      ...status[what]!,
    });
  }

  /** A row, once the whole log has been fed. */
  row(row: ViewRow): void {
    const { subscription_id: id, stream_id: stream } = row;
    const expected = this.folded.get(id);
    if (!expected) return this.violations.add('the view follows the log', `${id} has a row and no event`, stream);
    if (this.seen.has(id)) this.violations.add('applied once', `${id} has two rows`, stream);
    this.seen.add(id);
    if (row.version > expected.version) {
      this.violations.add('applied once', `${id} is at version ${row.version} of ${expected.version}`, stream);
    }
    const wrong = (Object.keys(expected) as (keyof ViewRow)[]).filter(
      (name) => JSON.stringify(row[name]) !== JSON.stringify(expected[name]),
    );
    for (const name of wrong) {
      const [is, ought] = [JSON.stringify(row[name]), JSON.stringify(expected[name])];
      this.violations.add('the view equals a fold of the log', `${id}: ${name} is ${is}, not ${ought}`, stream);
    }
  }

  get count(): number {
    return this.folded.size;
  }

  /** All rows of a view have been fed; those of another one, as of a rebuild, may follow. */
  end(): void {
    for (const id of this.folded.keys()) {
      if (this.seen.has(id)) continue;
      this.violations.add('the view follows the log', `${id} has no row`, streamOfSubscription(id));
    }
    this.seen = new Set();
  }

  finish(): Violations {
    return this.violations;
  }
}
