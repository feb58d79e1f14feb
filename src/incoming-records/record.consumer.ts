import { randomUUID } from 'node:crypto';
import type { Counter } from 'prom-client';
import type { AuditTrail } from '../audit';
import type { Trace } from '../event-store';
import {
  type CheckResult,
  type Clock,
  describeError,
  isOutage,
  isTraceId,
  type Logger,
  loopCheck,
  type Tracing,
} from '../platform';
import { type RefusalCode, Refused } from '../refusals';
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
  /**
   * Takes the data of one record, whole or not at all, and twice as once.
   * @returns whether an event says what came of it; if not, the audit trail does
   * @throws Refused for what is final
   */
  accept: (data: unknown, trace: Trace) => Promise<{ recorded: boolean }>;
}

/** What every door shares. */
export interface ConsumerParts {
  transport: EventTransport;
  deadLetters: DeadLetters;
  trail: Pick<AuditTrail, 'step'>;
  records: Counter<'topic' | 'outcome'>;
  clock: Clock;
  log: Logger;
  tracing: Tracing;
}

/** A Kafka door: the same path as its HTTP door; what is refused goes to the dead letters whole. */
export class RecordConsumer {
  private consumption?: Consumption;
  private readonly bugAttempts = new Map<string, number>();

  constructor(
    private readonly door: RecordDoor,
    private readonly offsets: ConsumerOffsets,
    private readonly parts: ConsumerParts,
  ) {
    // Prometheus sees no increase from nothing to the first refusal.
    for (const outcome of ['accepted', 'dead_letter']) parts.records.inc({ topic: door.topic, outcome }, 0);
  }

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
    const startedMs = performance.now();
    let trace: Trace | undefined;
    let code: RefusalCode | undefined;
    let recorded = false;
    try {
      const event = fromRecord(record);
      trace = traceOfEvent(event);
      ({ recorded } = await this.accept(event, trace));
    } catch (error) {
      const refused = this.refusalOf(error, place);
      if (!refused) throw error;
      await this.parts.deadLetters.bury(record, refused);
      code = refused.code;
    }
    this.bugAttempts.delete(place);
    if (!recorded) this.audit(record, trace, code);
    this.handled(record, {
      correlation_id: trace?.correlation_id,
      duration_ms: Math.round(performance.now() - startedMs),
      code,
    });
  }

  private async accept(event: CloudEvent, trace: Trace): Promise<{ recorded: boolean }> {
    const { type, accept, topic } = this.door;
    if (event.type !== type) throw new Refused('malformed_request', `The event type is not ${type}.`);
    const span = this.parts.tracing.begin({
      kind: 'taking',
      name: `process ${topic}`,
      parent: trace.traceparent,
      attributes: { 'messaging.system': 'kafka', 'medmij.correlation_id': trace.correlation_id },
    });
    try {
      const accepted = await accept(event.data, span ? { ...trace, traceparent: span.traceparent } : trace);
      span?.end();
      return accepted;
    } catch (error) {
      span?.end({ 'medmij.outcome': error instanceof Refused ? error.code : 'failed' }, 'failed');
      throw error;
    }
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

  /** As at the HTTP door (`RequestSteps`). Of a record without ids, the place says which one it was. */
  private audit({ partition, offset }: IncomingRecord, trace: Trace | undefined, code: RefusalCode | undefined): void {
    const { trail, clock } = this.parts;
    trail.step({
      at: clock.now(),
      who: 'kafka',
      what: `consume ${this.door.topic}`,
      outcome: code ?? 'done',
      ...(trace && { request_id: trace.causation_id, correlation_id: trace.correlation_id }),
      details: { partition, offset },
    });
  }

  /** One line a record, and one count. */
  private handled(
    { topic, partition, offset }: IncomingRecord,
    known: { correlation_id?: string; duration_ms: number; code?: RefusalCode },
  ): void {
    const { records, log } = this.parts;
    const isAccepted = known.code === undefined;
    records.inc({ topic: this.door.topic, outcome: isAccepted ? 'accepted' : 'dead_letter' });
    const line = { topic, partition, offset, ...known };
    if (isAccepted) log.info(line, 'intake.accepted');
    else log.warn(line, 'intake.refused');
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
