import { Counter, type Registry } from 'prom-client';
import type { Database, Logger, Tracing } from '../platform';
import type { EventTransport } from '../transport';
import { ConsumerOffsetStore } from './consumer-offset.store';
import type { DeadLetters } from './dead-letters';
import { type ConsumerParts, RecordConsumer, type RecordDoor } from './record.consumer';

/** Makes the consumers of the topics that other systems write to: their places beside the effects, their refusals in one place. */
export class IncomingRecords {
  private readonly parts: ConsumerParts;

  constructor(
    transport: EventTransport,
    private readonly database: Database,
    deadLetters: DeadLetters,
    registry: Registry,
    log: Logger,
    tracing: Tracing,
  ) {
    const records = new Counter({
      name: 'medmij_intake_records_total',
      help: 'Incoming Kafka records, by what became of them',
      labelNames: ['topic', 'outcome'] as const,
      registers: [registry],
    });
    this.parts = { transport, deadLetters, records, log, tracing };
  }

  consumer(door: RecordDoor): RecordConsumer {
    return new RecordConsumer(door, new ConsumerOffsetStore(this.database, door.group, door.topic), this.parts);
  }
}
