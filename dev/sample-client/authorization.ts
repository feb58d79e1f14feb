import type { Failure } from './failure';
import type { Grant } from './service.client';

/** What the person wants; of an existing subscription except at a start. */
export type Wish = {
  readonly provider: string;
  readonly service_id: string;
} & (
  | { readonly kind: 'start'; readonly days: number }
  | { readonly kind: 'change'; readonly days: number; readonly subscription_id: string }
  | { readonly kind: 'end'; readonly subscription_id: string }
);

/** Where an authorization stands. `given_up`: by the person in the app; whatever comes back for it is not used any more. */
export type Stage =
  | { readonly at: 'window' }
  | { readonly at: 'given_up' }
  | { readonly at: 'code'; readonly code: string; readonly failure?: Failure }
  | { readonly at: 'grant'; readonly grant: Grant; readonly failure?: Failure }
  | { readonly at: 'refused'; readonly failure: Failure }
  | { readonly at: 'done'; readonly subscriptionId: string };

/** One authorization request, from the window to the subscription. */
export interface Authorization {
  readonly id: string;
  /** Comes back with the answer. It is kept with the browser, so that an answer from elsewhere fits nothing (RFC 6749 section 10.12). */
  readonly state: string;
  readonly correlationId: string;
  readonly wish: Wish;
  stage: Stage;
  /** The last step, so that two at once (a retry pressed twice) go one after the other. */
  work: Promise<void>;
}
