/** The log goes out: every event as a CloudEvent on Kafka, in order. */
export { cloudEvent, relayReader } from './relay';
export { type Published, RelayCheck } from './relay-check';
export { RelayCheckModule, RelayModule } from './relay.module';
