/** Is a client's endpoint still itself? Watched for every client in play, and asked before one is resumed (domain.md 11). */
export { ClientResumption } from './client-resumption';
export { ClientResumptionModule, EndpointWatchModule } from './endpoint-watch.module';
