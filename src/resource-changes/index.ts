/** SOURCE SYSTEMS SAY that there is something new about a person; whoever subscribed is told (domain.md 7). */
export { AvailabilityCheckModule } from './availability-check.module';
export { resourceChange } from './resource-change';
export { ResourceChangesModule } from './resource-changes.module';
