/** Live, ready, metrics. */
export { HealthModule } from './health.module';
