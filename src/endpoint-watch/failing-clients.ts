import { randomUUID } from 'node:crypto';
import type { CommandBus } from '@nestjs/cqrs';
import { SuspendClientOrder } from '../clients';
import type { EndpointRecords, EndpointView, FailingClient } from '../notifications';
import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';

const idleMs = 5_000;

/** How long an endpoint may do nothing but fail, in seconds. */
export interface FailingPolicy {
  /** Until operators are warned. */
  warnAfterS: number;
  /** Until its client is suspended; 0: never. */
  suspendAfterS: number;
}

export interface FailingClientsParts {
  endpoints: Pick<EndpointRecords, 'warn' | 'failingClients'>;
  commandBus: Pick<CommandBus, 'execute'>;
  clock: Clock;
  log: Logger;
  policy: FailingPolicy;
}

/**
 * Warns of endpoints that have failed for long, and suspends their clients when that is the policy and no other endpoint of theirs
 * answers (docs/adr/0028). Needs no lease: a warning is taken by one, and suspending twice suspends once.
 */
export class FailingClients {
  private readonly loop: WorkLoop;

  constructor(private readonly parts: FailingClientsParts) {
    this.loop = new WorkLoop({ name: 'failing-clients', step: () => this.step(), idleMs, log: parts.log });
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

  private async step(): Promise<StepOutcome> {
    const { endpoints, clock, policy } = this.parts;
    const now = clock.now();
    for (const warned of await endpoints.warn(now, policy.warnAfterS)) this.warn(warned);
    if (policy.suspendAfterS > 0) {
      for (const client of await endpoints.failingClients(policy.suspendAfterS)) await this.suspend(client, now);
    }
    return 'idle';
  }

  private warn({ failing_since: since, ...endpoint }: EndpointView): void {
    const { client_id, service_id, interface_version, notification_type } = endpoint;
    const { suspendAfterS } = this.parts.policy;
    const suspendsAt = since && suspendAfterS > 0 ? new Date(since.getTime() + suspendAfterS * 1_000) : undefined;
    this.parts.log.warn(
      { client_id, service_id, interface_version, notification_type, failing_since: since, suspends_at: suspendsAt },
      'endpoint.failing',
    );
  }

  private async suspend({ client_id, failing_since, failed_at }: FailingClient, now: Date): Promise<void> {
    const { commandBus, log } = this.parts;
    const id = randomUUID();
    const order = new SuspendClientOrder(client_id, 'endpoint_failing', { correlation_id: id, causation_id: id }, now);
    const { recorded } = await commandBus.execute(order);
    if (recorded)
      log.warn({ client_id, failing_since, failed_at, correlation_id: id }, 'endpoint.failing_client_suspended');
  }
}
