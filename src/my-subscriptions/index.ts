/** Where a signed-in person sees and ends own subscriptions, and gives permission again. */
export { MySubscriptionsModule } from './my-subscriptions.module';
