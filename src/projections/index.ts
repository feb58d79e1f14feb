/** The read side: subscriptions as operators see them, waiting until they are up to date, and the versions of that view. */
export { ProjectionOperations, type ProjectionView } from './projection-operations';
export { ProjectionWait } from './projection-wait';
export { ProjectionQueriesModule, ProjectorModule } from './projections.module';
export { RunningSubscriptions } from './running-subscriptions.store';
export { project, type SubscriptionView } from './subscription.projection';
export { SubscriptionCounts } from './subscription-counts.store';
export { type ListPlace, type SubscriptionFilter, SubscriptionViewStore } from './subscription-view.store';
export { ViewRetention } from './view-retention.store';
