import { Counter, Histogram, type Registry } from 'prom-client';
import { askedGauge, type Clock } from '../platform';
import type { BreakerState } from './breaker';
import type { Outcome } from './completion-batcher';
import { attemptOutcomes } from './delivery';
import type { DeliveryRecords } from './delivery-records.store';
import type { EndpointRecords } from './endpoint-records.store';

/** A resource notification that is not there this long before its deadline is at risk: two more tries remain. */
const atRiskS = 10 * 60;
const breakerValues: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };

/** The figures operators watch of deliveries (contract.md 3). Labels are the ids of listed clients, and few. */
export class DeliveryMetrics {
  private readonly deliveries: Counter<'outcome'>;
  private readonly attempts: Counter<'client_id' | 'outcome'>;
  private readonly deadlines: Counter<'client_id' | 'notification_type' | 'met'>;
  private readonly durations: Histogram<'client_id'>;
  private readonly pauses: Counter<'client_id'>;

  constructor(
    registry: Registry,
    private readonly records: DeliveryRecords,
    private readonly endpoints: EndpointRecords,
    private readonly clock: Clock,
  ) {
    const registers = [registry];
    this.deliveries = new Counter({
      name: 'medmij_deliveries_total',
      help: 'Tries to notify a client, by what became of them',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of attemptOutcomes) this.deliveries.inc({ outcome }, 0);
    this.attempts = new Counter({
      name: 'medmij_delivery_attempts_total',
      help: 'Tries to notify a client, per client, by what became of them',
      labelNames: ['client_id', 'outcome'],
      registers,
    });
    this.deadlines = new Counter({
      name: 'medmij_delivery_deadlines_total',
      help: 'Notifications that were delivered or are dead, by whether they were delivered before their deadline',
      labelNames: ['client_id', 'notification_type', 'met'],
      registers,
    });
    this.durations = new Histogram({
      name: 'medmij_delivery_attempt_seconds',
      help: 'How long clients take to answer',
      labelNames: ['client_id'],
      buckets: [0.01, 0.05, 0.25, 1, 2.5, 5, 10],
      registers,
    });
    this.pauses = new Counter({
      name: 'medmij_delivery_rate_waits_total',
      help: 'Times that due notifications had to wait for the rate of an endpoint, per client',
      labelNames: ['client_id'],
      registers,
    });
    this.ask(registry);
  }

  /** What was due at an endpoint waits for its rate (docs/adr/0027). */
  paced(clientId: string): void {
    this.pauses.inc({ client_id: clientId });
  }

  attempted({ delivery, completion, endpoint }: Outcome): void {
    const { client_id, notification_type } = delivery;
    const { state, attempt } = completion;
    const outcome = state === 'pending' ? 'retry' : state;
    this.deliveries.inc({ outcome });
    this.attempts.inc({ client_id, outcome });
    if (endpoint !== 'none') this.durations.observe({ client_id }, attempt.durationMs / 1000);
    if (state !== 'delivered' && state !== 'dead') return;
    const met = state === 'delivered' && attempt.at <= delivery.deadline_at;
    this.deadlines.inc({ client_id, notification_type, met: String(met) });
  }

  private ask(registry: Registry): void {
    const { records, endpoints, clock } = this;
    askedGauge({
      registry,
      name: 'medmij_endpoint_failing_seconds',
      help: 'How long the endpoint that is worst off has done nothing but fail, per client that has one',
      labelNames: ['client_id'],
      ask: async () =>
        (await endpoints.failing()).map(({ client_id, seconds }) => ({ labels: { client_id }, value: seconds })),
    });
    askedGauge({
      registry,
      name: 'medmij_endpoints_warned',
      help: 'Endpoints that have done nothing but fail for ENDPOINT_FAILING_WARN_S, per client that has one that fails',
      labelNames: ['client_id'],
      ask: async () =>
        (await endpoints.failing()).map(({ client_id, warned }) => ({ labels: { client_id }, value: warned })),
    });
    askedGauge({
      registry,
      name: 'medmij_delivery_oldest_undelivered_seconds',
      help: 'Age of the oldest notification that is not finished, per client',
      labelNames: ['client_id'],
      ask: async () =>
        (await records.oldestUndelivered(clock.now())).map(({ client_id, seconds }) => ({
          labels: { client_id },
          value: seconds,
        })),
    });
    askedGauge({
      registry,
      name: 'medmij_deliveries_at_risk',
      help: `Resource notifications that are not delivered ${atRiskS / 60} minutes before their deadline, per client`,
      labelNames: ['client_id'],
      ask: async () =>
        (await records.atRisk(clock.now(), atRiskS)).map(({ client_id, count }) => ({
          labels: { client_id },
          value: count,
        })),
    });
    askedGauge({
      registry,
      name: 'medmij_delivery_breaker_state',
      help: 'The breaker of the endpoint that is worst off, per client: 0 closed, 1 half open, 2 open',
      labelNames: ['client_id'],
      ask: async () =>
        [...(await records.breakers(clock.now()))].map(([client_id, state]) => ({
          labels: { client_id },
          value: breakerValues[state],
        })),
    });
  }
}
