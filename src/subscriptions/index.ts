/** The write side: what a subscription is, what it may do, and the orders that make it do so. */
export { dateOf, hasEnded } from './end-date';
export { isSubscriptionId, type OrderResult, type Standing, standingSchema, streamOf } from './order';
export { eventDataSchemas } from './subscription.event-schemas';
export type {
  EndReason,
  Party,
  SubscriptionEvent,
  SubscriptionStatus,
  Suspender,
  SuspensionCause,
} from './subscription.events';
export {
  AdjustOrder,
  AuthorizedOrder,
  ConfirmedEndingOrder,
  ExpireOrder,
  ReapproveOrder,
  ResumeOrder,
  SuspendOrder,
  TakeUpOrder,
  TerminateOrder,
} from './subscription.orders';
export { isSubscriptionEvent, subscriptionForms, upcast } from './subscription.forms';
export {
  type ActiveSubscription,
  ActiveSubscriptionsQuery,
  AnswerQuery,
  OwnSubscriptionQuery,
  type SubscriptionNow,
  SubscriptionQuery,
} from './subscription.queries';
export { SubscriptionsModule } from './subscriptions.module';
