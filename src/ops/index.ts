/** The API for the people on call. */
export { OpsModule } from './ops.module';
