import { randomUUID } from 'node:crypto';
import { Counter, type Registry } from 'prom-client';
import { parse } from '../http';
import { describeError, isOutage, isTraceId, type Logger } from '../platform';
import { Refused } from '../refusals';
import {
  type CloudEvent,
  type ConsumerOffsets,
  type Consumption,
  type EventTransport,
  fromRecord,
  type IncomingRecord,
  topics,
} from '../transport';
import type { AuthorizationIntake } from './authorization-intake';
import { authorizedRequest } from './authorized-request';
import type { DeadLetters } from './dead-letters';

/** The consumer group, and the name under which its place is stored. */
export const authorizationsGroup = 'medmij-subscriptions.authorizations';
const acceptedType = 'nl.medmij.authorization.granted.v1';
/** Tries of a record that fails for a reason nobody foresaw; an outage is waited for without end. */
const bugAttemptsMax = 5;

/** The Kafka door for Authorization Servers: the same path as the HTTP door; what is refused goes to the dead letters whole. */
export class AuthorizationsConsumer {
  private consumption?: Consumption;
  private readonly bugAttempts = new Map<string, number>();
  private readonly records: Counter<'outcome'>;

  constructor(
    private readonly transport: EventTransport,
    private readonly intake: AuthorizationIntake,
    private readonly offsets: ConsumerOffsets,
    private readonly deadLetters: DeadLetters,
    registry: Registry,
    private readonly log: Logger,
  ) {
    this.records = new Counter({
      name: 'medmij_intake_records_total',
      help: 'Incoming Kafka records, by what became of them',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  start(): void {
    this.consumption = this.transport.consume({
      group: authorizationsGroup,
      topic: topics.authorizations.name,
      offsets: this.offsets,
      handle: (record) => this.handle(record),
    });
  }

  async stop(): Promise<void> {
    await this.consumption?.stop();
  }

  state(): ReturnType<Consumption['state']> {
    return this.consumption?.state() ?? { connected: false };
  }

  private async handle(record: IncomingRecord): Promise<void> {
    const place = `${record.partition} ${record.offset}`;
    try {
      await this.accept(record);
      this.records.inc({ outcome: 'accepted' });
    } catch (error) {
      const refused = this.refusalOf(error, place);
      if (!refused) throw error;
      await this.bury(record, refused);
    }
    this.bugAttempts.delete(place);
  }

  private async accept(record: IncomingRecord): Promise<void> {
    const event = fromRecord(record);
    if (event.type !== acceptedType) throw new Refused('malformed_request', `The event type is not ${acceptedType}.`);
    await this.intake.accept(parse(authorizedRequest, event.data), traceOfEvent(event));
  }

  /** What is final about a failure; undefined when the record is to be tried again. */
  private refusalOf(error: unknown, place: string): Refused | undefined {
    if (error instanceof Refused) return error.code === 'unavailable' ? undefined : error;
    if (isOutage(error)) return undefined;
    const attempts = (this.bugAttempts.get(place) ?? 0) + 1;
    this.bugAttempts.set(place, attempts);
    if (attempts < bugAttemptsMax) return undefined;
    this.log.error({ place, error: describeError(error) }, 'intake.failed');
    return new Refused('internal_error');
  }

  private async bury(record: IncomingRecord, refused: Refused): Promise<void> {
    await this.deadLetters.bury(record, refused);
    this.records.inc({ outcome: 'dead_letter' });
    this.log.warn(
      { topic: record.topic, partition: record.partition, offset: record.offset, code: refused.code },
      'intake.refused',
    );
  }
}

/** An id that came with the event goes on if it can stand in a header; otherwise one is made. */
function traceOfEvent({ id, extensions }: CloudEvent) {
  const asId = (text: string | undefined) => (isTraceId(text) ? text : randomUUID());
  return {
    correlation_id: asId(extensions.correlationid),
    causation_id: asId(id),
    ...(extensions.traceparent !== undefined && { traceparent: extensions.traceparent }),
  };
}
