/** RECORDS OF OTHERS COME IN over Kafka: one consumer a topic, and the dead letters of all of them. */
export type { DeadLetterView } from './dead-letter.store';
export { DeadLetters } from './dead-letters';
export { IncomingRecords } from './incoming-records';
export { IncomingRecordsModule } from './incoming-records.module';
export type { RecordConsumer } from './record.consumer';
