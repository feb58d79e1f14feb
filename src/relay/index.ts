/** The log goes out: every event as a CloudEvent on Kafka, in order. */
export { cloudEvent, relayReader } from './relay';
export { RelayModule } from './relay.module';
