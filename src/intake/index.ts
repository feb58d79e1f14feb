/** Authorized requests come in, over HTTP and over Kafka. */
export { authorizedRequest } from './authorized-request';
export type { DeadLetterView } from './dead-letter.store';
export { DeadLetters } from './dead-letters';
export { IntakeModule } from './intake.module';
