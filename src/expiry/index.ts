/** Ends that arrive by themselves. */
export { ExpiryModule } from './expiry.module';
