/** TO CLIENTS AND NOWHERE ELSE: our identity, whom we may call, where they really are, and the connections we keep. */
export type { Answer } from './answer';
export { ClientConnectionsModule } from './client-connections.module';
export { EndpointProbe, type ProbeResult } from './endpoint-probe';
export { NotificationClient } from './notification.client';
