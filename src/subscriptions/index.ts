/** The write side: what a subscription is, what it may do, and the orders that make it do so. */
export { dateOf, hasEnded } from './end-date';
export { eventDataSchemas } from './subscription.event-schemas';
export type {
  EndReason,
  Party,
  Resumer,
  SubscriptionEvent,
  SubscriptionStatus,
  Suspender,
} from './subscription.events';
export {
  AdjustOrder,
  AnswerQuery,
  type Authorization,
  AuthorizedOrder,
  ExpireOrder,
  isSubscriptionId,
  type OrderResult,
  OwnSubscriptionQuery,
  ReapproveOrder,
  ResumeOrder,
  type Standing,
  standingSchema,
  streamOf,
  type SubscriptionNow,
  SubscriptionQuery,
  SuspendOrder,
  TakeUpOrder,
  TerminateOrder,
} from './subscription.orders';
export { upcast } from './subscription.upcasters';
export { SubscriptionsModule } from './subscriptions.module';
