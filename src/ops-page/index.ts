/** The page for the people on call: their sessions, and the page itself over the API of the ops room. */
export { OpsPageModule, type OpsPageOptions } from './ops-page.module';
