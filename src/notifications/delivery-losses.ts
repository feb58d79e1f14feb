import type { Registry } from 'prom-client';
import { askedGauge, type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { DeliveryBalance, DeliveryLedger } from './delivery-ledger.store';

const hourMs = 3_600_000;
/** How far back each look goes; what was planned longer ago is for the report of an operator. */
const lookBackHours = 24;
/** Clients and types of one hour; the loss of a further one is not seen here. */
const linesMax = 1_000;

/** What is known of one client and type. */
type Loss = Pick<DeliveryBalance, 'client_id' | 'notification_type' | 'lost'>;

/**
 * Looks each hour whether all that was planned in the last day is still there, so that an alert can be raised on what is not
 * (docs/adr/0026). Each process does it for itself: a lease that is renewed each second would cost more than the look.
 */
export class DeliveryLosses {
  private readonly loop: WorkLoop;
  private losses: readonly Loss[] = [];

  constructor(
    private readonly ledger: Pick<DeliveryLedger, 'report'>,
    registry: Registry,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    this.loop = new WorkLoop({ name: 'delivery-losses', step: () => this.look(), idleMs: hourMs, log });
    askedGauge({
      registry,
      name: 'medmij_deliveries_lost',
      help: `Notifications planned in the ${lookBackHours} hours before the last look that are nowhere to be found, per client and type`,
      labelNames: ['client_id', 'notification_type'],
      ask: () =>
        Promise.resolve(
          this.losses.map(({ client_id, notification_type, lost }) => ({
            labels: { client_id, notification_type },
            value: lost,
          })),
        ),
    });
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async look(): Promise<StepOutcome> {
    const thisHourMs = Math.floor(this.clock.now().getTime() / hourMs) * hourMs;
    const found = new Map<string, Loss>();
    // Hour by hour: each statement is about one moment, and none becomes long.
    for (let hours = lookBackHours; hours >= 0; hours -= 1) {
      const since = new Date(thisHourMs - hours * hourMs);
      const until = new Date(since.getTime() + hourMs);
      for (const { client_id, notification_type, lost } of await this.ledger.report(
        { since, until },
        undefined,
        linesMax,
      )) {
        const key = `${client_id} ${notification_type}`;
        found.set(key, { client_id, notification_type, lost: (found.get(key)?.lost ?? 0) + lost });
      }
    }
    this.losses = [...found.values()];
    for (const loss of this.losses) if (loss.lost > 0) this.log.error({ ...loss }, 'deliveries.lost');
    return 'idle';
  }
}
