/** THE OAUTH INTERFACE, front channel: from the authorization request to the code or the refusal that the browser takes back. */
export { AuthorizationModule, type AuthorizationOptions } from './authorization.module';
export { AuthorizationRecordsModule } from './authorization-records.module';
export { type InteractionState, interactionStates, InteractionStore, type InteractionView } from './interaction.store';
export { InteractionSweepModule } from './interaction-sweep.module';
export { ShownInteractions } from './shown-interactions';
