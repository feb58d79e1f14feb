import { createHash } from 'node:crypto';

/** Something that must not be: the property it breaks, what was seen, and the stream whose history tells more. */
export interface Violation {
  property: string;
  seen: string;
  stream?: string;
}

/** The part of an event's data that the checks look at. */
export interface EventData {
  subscription_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  person_id: string;
  end_date: string;
  interface_version: string;
  authorization_id?: string;
  reason?: string;
}

/** An event as the log holds it. */
export interface LoggedEvent {
  position: string;
  stream: string;
  version: number;
  id: string;
  type: string;
  correlation: string;
  occurredAt: Date;
  data: EventData;
}

/** What is kept of an event, for there may be millions. */
export interface Entry {
  id: string;
  position: string;
  /** Its place in the log's order, from 0. */
  rank: number;
  type: string;
  correlation: string;
  subscription: string;
  authorization?: string;
  digest: string;
  /** Where Kafka has it, `<partition>:<offset>`, the first one first. */
  published?: string[];
}

/** Violations kept of one check; one fault of the service may break a property a million times. */
const violationsMax = 500;

export class Violations {
  readonly list: Violation[] = [];
  count = 0;

  add(property: string, seen: string, stream?: string): void {
    this.count += 1;
    if (this.list.length < violationsMax) this.list.push({ property, seen, ...(stream !== undefined && { stream }) });
  }
}

export function digestOf(text: string): string {
  return createHash('sha1').update(text).digest('base64').slice(0, 16);
}

export const streamOfSubscription = (subscription: string) => subscription.slice(0, subscription.lastIndexOf('.'));

/**
 * The log as its readers get it, fed in its order: every stream whole and in the order of its versions. All other checks ask it
 * what happened.
 */
export class LogHistory {
  readonly violations = new Violations();
  private readonly streams = new Map<string, (Entry | undefined)[]>();
  private readonly positions: string[] = [];

  add(event: LoggedEvent): void {
    const { stream, version, position, data } = event;
    const before = this.positions.at(-1) ?? '';
    if (position <= before) this.violations.add('log in order', `position ${position} comes after ${before}`, stream);
    const entries = this.streams.get(stream) ?? [];
    this.streams.set(stream, entries);
    if (version !== entries.length + 1) {
      this.violations.add('stream in order', `version ${version} comes after ${entries.length}`, stream);
    }
    entries[version - 1] = {
      id: event.id,
      position,
      rank: this.positions.length,
      type: event.type,
      correlation: event.correlation,
      subscription: data.subscription_id,
      ...(data.authorization_id !== undefined && { authorization: data.authorization_id }),
      digest: digestOf(JSON.stringify(data)),
    };
    this.positions.push(position);
  }

  get count(): number {
    return this.positions.length;
  }

  entry(stream: string, version: number): Entry | undefined {
    return this.streams.get(stream)?.[version - 1];
  }

  /** Every stream with its entries, the first version first. */
  *all(): Generator<{ stream: string; version: number; entry: Entry }> {
    for (const [stream, entries] of this.streams) {
      for (const [index, entry] of entries.entries()) if (entry) yield { stream, version: index + 1, entry };
    }
  }

  entriesOf(stream: string): Entry[] {
    return (this.streams.get(stream) ?? []).filter((entry) => entry !== undefined);
  }

  /** How many events lie at a position or before it. */
  countUpTo(position: string): number {
    let [low, high] = [0, this.positions.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
