import { Counter, type Registry } from 'prom-client';
import { askedGauge, type Clock } from '../platform';
import type { DeliveryRecords } from './delivery-records.store';

/** What became of a try. */
type Outcome = 'delivered' | 'retry' | 'dead' | 'dropped';

/** The figures operators watch of deliveries (contract.md 3). */
export class DeliveryMetrics {
  private readonly deliveries: Counter<'outcome'>;

  constructor(registry: Registry, records: DeliveryRecords, clock: Clock) {
    this.deliveries = new Counter({
      name: 'medmij_deliveries_total',
      help: 'Tries to notify a client, by what became of them',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of ['delivered', 'retry', 'dead', 'dropped']) this.deliveries.inc({ outcome }, 0);
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
  }

  attempted(outcome: Outcome): void {
    this.deliveries.inc({ outcome });
  }
}
