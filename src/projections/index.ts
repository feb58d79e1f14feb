/** The read side: subscriptions as operators see them, and waiting until they are up to date. */
export { ProjectionWait } from './projection-wait';
export { ProjectionQueriesModule, ProjectorModule } from './projections.module';
export { subscriptionProjection } from './subscription.projector';
export type { SubscriptionView } from './subscription.projection';
export { type ListPlace, type SubscriptionFilter, SubscriptionViewStore } from './subscription-view.store';
