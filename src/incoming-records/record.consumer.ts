import { randomUUID } from 'node:crypto';
import type { Counter } from 'prom-client';
import type { Trace } from '../event-store';
import { type CheckResult, describeError, isOutage, isTraceId, type Logger, loopCheck } from '../platform';
import { Refused } from '../refusals';
import {
  type CloudEvent,
  type ConsumerOffsets,
  type Consumption,
  type EventTransport,
  fromRecord,
  type IncomingRecord,
} from '../transport';
import type { DeadLetters } from './dead-letters';

/** Tries of a record that fails for a reason nobody foresaw; an outage is waited for without end. */
const bugAttemptsMax = 5;

/** One kind of records that come in on a topic of their own. */
export interface RecordDoor {
  /** The consumer group, and the name under which its place is stored. */
  group: string;
  topic: string;
  /** The only CloudEvents type that is taken. */
  type: string;
  /** Takes the data of one record, whole or not at all, and twice as once. @throws Refused for what is final */
  accept: (data: unknown, trace: Trace) => Promise<unknown>;
}

/** What every door shares. */
export interface ConsumerParts {
  transport: EventTransport;
  deadLetters: DeadLetters;
  records: Counter<'topic' | 'outcome'>;
  log: Logger;
}

/** A Kafka door: the same path as its HTTP door; what is refused goes to the dead letters whole. */
export class RecordConsumer {
  private consumption?: Consumption;
  private readonly bugAttempts = new Map<string, number>();

  constructor(
    private readonly door: RecordDoor,
    private readonly offsets: ConsumerOffsets,
    private readonly parts: ConsumerParts,
  ) {}

  start(): void {
    const { group, topic } = this.door;
    const handle = (record: IncomingRecord) => this.handle(record);
    this.consumption = this.parts.transport.consume({ group, topic, offsets: this.offsets, handle });
  }

  async stop(): Promise<void> {
    await this.consumption?.stop();
  }

  /** For readiness: while it connects anew it says why. */
  check(): CheckResult {
    const { connected, ...state } = this.consumption?.state() ?? { connected: false };
    return loopCheck({ running: connected || state.failingSince !== undefined, ...state });
  }

  private async handle(record: IncomingRecord): Promise<void> {
    const place = `${record.partition} ${record.offset}`;
    try {
      await this.accept(record);
      this.count('accepted');
    } catch (error) {
      const refused = this.refusalOf(error, place);
      if (!refused) throw error;
      await this.bury(record, refused);
    }
    this.bugAttempts.delete(place);
  }

  private async accept(record: IncomingRecord): Promise<void> {
    const { type, accept } = this.door;
    const event = fromRecord(record);
    if (event.type !== type) throw new Refused('malformed_request', `The event type is not ${type}.`);
    await accept(event.data, traceOfEvent(event));
  }

  /** What is final about a failure; undefined when the record is to be tried again. */
  private refusalOf(error: unknown, place: string): Refused | undefined {
    if (error instanceof Refused) return error.code === 'unavailable' ? undefined : error;
    if (isOutage(error)) return undefined;
    const attempts = (this.bugAttempts.get(place) ?? 0) + 1;
    this.bugAttempts.set(place, attempts);
    if (attempts < bugAttemptsMax) return undefined;
    this.parts.log.error({ topic: this.door.topic, place, error: describeError(error) }, 'intake.failed');
    return new Refused('internal_error');
  }

  private async bury(record: IncomingRecord, refused: Refused): Promise<void> {
    await this.parts.deadLetters.bury(record, refused);
    this.count('dead_letter');
    this.parts.log.warn(
      { topic: record.topic, partition: record.partition, offset: record.offset, code: refused.code },
      'intake.refused',
    );
  }

  private count(outcome: 'accepted' | 'dead_letter'): void {
    this.parts.records.inc({ topic: this.door.topic, outcome });
  }
}

/** An id that came with the event goes on if it can stand in a header; otherwise one is made. */
function traceOfEvent({ id, extensions }: CloudEvent): Trace {
  const asId = (text: string | undefined) => (isTraceId(text) ? text : randomUUID());
  return {
    correlation_id: asId(extensions.correlationid),
    causation_id: asId(id),
    ...(extensions.traceparent !== undefined && { traceparent: extensions.traceparent }),
  };
}
