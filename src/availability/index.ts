/** WHETHER a provider makes data available for a person: one question (domain.md 3, exception 3), asked of AVAILABILITY_URL. */
export { AVAILABILITY, type Availability, AvailabilityUnknown } from './availability';
export { AvailabilityModule } from './availability.module';
