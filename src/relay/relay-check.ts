import type { LogAccess, StoredEvent } from '../event-store';
import { groupBy } from '../platform';
import { Refused } from '../refusals';
import type { EventTransport } from '../transport';
import { placeOf, relayReader } from './relay';

/** Published events of the log that one comparison looks for, the newest ones. */
const sampleSize = 500;
/** Older ones may have left their topic, as its owner has set it. */
const sampleAgeMs = 24 * 60 * 60 * 1000;
/** An event is written down by the database's clock, a record by the relay's. */
const clockMarginMs = 10 * 60 * 1000;

/** What was looked for on Kafka and is not there. */
export interface Published {
  checked: number;
  missing: { event_id: string; topic: string }[];
}

/** Compares what the log says is published with what is on Kafka. */
export class RelayCheck {
  constructor(
    private readonly access: LogAccess,
    private readonly transport: EventTransport,
  ) {}

  /** @throws Refused `unavailable` when Kafka does not hand it out */
  async compare(): Promise<Published> {
    const { reader, checkpoints } = this.access;
    const events = await reader.newestUntil(await checkpoints.position(relayReader), sampleSize, sampleAgeMs);
    const missing: Published['missing'] = [];
    for (const [topic, expected] of groupBy(events, (event) => placeOf(event).topic)) {
      const seen = await this.idsOn(topic, sinceOf(expected));
      for (const { event_id } of expected) if (!seen.has(event_id)) missing.push({ event_id, topic });
    }
    return { checked: events.length, missing };
  }

  private async idsOn(topic: string, since: Date): Promise<ReadonlySet<string>> {
    try {
      return new Set(await this.transport.readBack(topic, 'ce_id', since));
    } catch (error) {
      throw new Refused('unavailable', `Kafka cannot be read back now: ${(error as Error).message}`);
    }
  }
}

function sinceOf(events: readonly StoredEvent[]): Date {
  return new Date(Math.min(...events.map(({ recorded_at: at }) => at.getTime())) - clockMarginMs);
}
