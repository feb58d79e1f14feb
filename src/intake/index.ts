/** Authorized requests come in, over HTTP and over Kafka. */
export { authorizedRequest } from './authorized-request';
export { IntakeModule } from './intake.module';
