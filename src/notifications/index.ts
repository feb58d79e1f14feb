/** Telling clients: what to send, when, over which connection, and what an answer means. */
export { type DeliveryState, deliveryStates, DeliveryStore, type DeliveryView } from './delivery.store';
export { DeliveriesModule, NotificationsModule } from './notifications.module';
