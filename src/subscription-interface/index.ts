/** The MedMij Subscription interface: what a client may do with the access token it got for a person (domain.md 5). */
export { SubscriptionInterfaceModule } from './subscription-interface.module';
