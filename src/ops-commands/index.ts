/** What operators do from a shell, over the same API as the page. */
export type { OpsAccess } from './ops-api.client';
export { isOpsCommand, type OpsEnd, opsUsage, runOpsCommand } from './ops-command-line';
export type { Output } from './screen';
