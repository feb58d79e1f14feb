/** WHO AND WHAT IS TRUSTED: the MedMij lists (domain.md 9). */
export type { Client, NotificationEndpoints } from './client-list.parser';
export { ListRefresher, type ListUrls } from './list.refresher';
export { type ListName, type ListStatus, ListStore, listNames, listStaleAfterS } from './list.store';
export type { Lists } from './lists';
export type { Offering, Provider } from './provider-list.parser';
export { MedmijListsModule } from './medmij-lists.module';
