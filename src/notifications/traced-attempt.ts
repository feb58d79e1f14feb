import type { Tracing } from '../platform';
import type { Outcome } from './completion-batcher';
import type { ClaimedDelivery } from './delivery';
import type { DeliveryAttempt } from './delivery.attempt';

/** Tries with a span each, in the trace of the request that caused the notification, hours later too. */
export class TracedAttempt implements Pick<DeliveryAttempt, 'make'> {
  constructor(
    private readonly attempts: Pick<DeliveryAttempt, 'make'>,
    private readonly tracing: Tracing,
  ) {}

  async make(delivery: ClaimedDelivery, stillHeld: () => boolean): Promise<Outcome | undefined> {
    const span = this.tracing.begin({
      kind: 'call',
      name: `notify ${delivery.notification_type}`,
      parent: delivery.traceparent,
      attributes: {
        'medmij.delivery_id': delivery.delivery_id,
        'medmij.subscription_id': delivery.subscription_id,
        'medmij.client_id': delivery.client_id,
        'medmij.correlation_id': delivery.correlation_id,
      },
    });
    try {
      const outcome = await this.attempts.make(delivery, stillHeld);
      const attempt = outcome?.completion.attempt;
      span?.end(
        {
          'http.response.status_code': attempt?.status ?? undefined,
          'medmij.outcome': outcome?.completion.state ?? 'given_back',
          'medmij.reason': attempt?.error ?? undefined,
        },
        (attempt?.error ?? null) === null ? 'well' : 'failed',
      );
      return outcome;
    } catch (error) {
      span?.end({ 'medmij.outcome': 'failed' }, 'failed');
      throw error;
    }
  }
}
