/** Clients as a whole: whether one is suspended, since when, and why (domain.md 11). */
export { type ClientEvent, type ResumptionReason, type SuspensionReason, suspensionReasons } from './client.events';
export { clientEventDataSchemas, clientForms, isClientEvent } from './client.forms';
export { type ClientOrderResult, ResumeClientOrder, SuspendClientOrder } from './client.orders';
export { ClientHistory } from './client-history';
export { ClientsModule } from './clients.module';
export { type SuspendedClient, suspendedClientIds } from './suspended-client.store';
export { SuspendedClients } from './suspended-clients';
