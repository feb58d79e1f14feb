import { Counter, type Registry } from 'prom-client';
import type { Database } from '../platform';
import { ConsumerOffsetStore } from './consumer-offset.store';
import { type ConsumerParts, RecordConsumer, type RecordDoor } from './record.consumer';

/** Makes the consumers of the topics that other systems write to: their places beside the effects, their refusals in one place. */
export class IncomingRecords {
  private readonly parts: ConsumerParts;

  constructor(
    private readonly database: Database,
    registry: Registry,
    shared: Omit<ConsumerParts, 'records'>,
  ) {
    const records = new Counter({
      name: 'medmij_intake_records_total',
      help: 'Incoming Kafka records, by what became of them',
      labelNames: ['topic', 'outcome'] as const,
      registers: [registry],
    });
    this.parts = { ...shared, records };
  }

  consumer(door: RecordDoor): RecordConsumer {
    return new RecordConsumer(door, new ConsumerOffsetStore(this.database, door.group, door.topic), this.parts);
  }
}
