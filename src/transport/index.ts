/** The wire: publish and consume records; CloudEvents to and from them. */
export { type CloudEvent, fromRecord, toRecord } from './cloud-event';
export {
  type ConsumerOffsets,
  type Consumption,
  type EventTransport,
  type IncomingRecord,
  type OutgoingRecord,
  TRANSPORT,
} from './event-transport';
export { InMemoryTransport } from './in-memory.transport';
export { KafkaTransport } from './kafka.transport';
export { topics } from './topics';
export { TransportModule } from './transport.module';
