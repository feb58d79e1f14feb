/** Telling clients: what to send, when, over which connection, and what an answer means. */
export { AttemptAudit } from './attempt-audit.store';
export {
  attemptOutcomes,
  type AttemptView,
  BeforeSending,
  type ClaimedDelivery,
  type DeliveryState,
  deliveryStates,
  type DeliveryView,
  type PlannedResource,
} from './delivery';
export { DeliveryStore } from './delivery.store';
export { type DeliveryBalance, DeliveryLedger, reportMaxDays, reportReach } from './delivery-ledger.store';
export { DeliveryRecords } from './delivery-records.store';
export { DeliveryReplay, replayMax } from './delivery-replay.store';
export { forgetNotified } from './notified-subscription.store';
export { type EndpointName, EndpointRecords, type EndpointView, type FailingClient } from './endpoint-records.store';
export { breakerState } from './breaker';
export { DeliveriesModule, NotificationsModule, PLANNED } from './notifications.module';
