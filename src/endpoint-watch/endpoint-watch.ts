import { randomUUID } from 'node:crypto';
import type { CommandBus } from '@nestjs/cqrs';
import type { EndpointProbe, NotificationClient } from '../client-connections';
import { type SuspendedClients, SuspendClientOrder } from '../clients';
import { type CheckpointStore, HeldLease } from '../event-store';
import type { Lists, ListStore } from '../medmij-lists';
import type { DeliveryRecords } from '../notifications';
import { type Clock, type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import type { SubscriptionViewStore } from '../projections';
import { dateOf } from '../subscriptions';
import { type ChangePolicy, decideLook, type EndpointState, type Finding } from './endpoint-watch.decider';
import type { EndpointWatchMetrics } from './endpoint-watch.metrics';
import type { Endpoint, EndpointWatchStore } from './endpoint-watch.store';
import { allEndpoints, endpointsOf } from './endpoints';
import { spread } from './spread';

/** Endpoints looked at at once. */
const looksAtOnce = 16;
const idleMs = 1_000;
/** How soon a client is watched after its first authorization. */
const findClientsEveryMs = 10_000;

export interface EndpointWatchParts {
  checkpoints: CheckpointStore;
  store: EndpointWatchStore;
  probe: EndpointProbe;
  client: NotificationClient;
  lists: ListStore;
  suspended: SuspendedClients;
  subscriptions: SubscriptionViewStore;
  deliveries: DeliveryRecords;
  commandBus: Pick<CommandBus, 'execute'>;
  metrics: EndpointWatchMetrics;
  clock: Clock;
  log: Logger;
  policy: ChangePolicy;
}

/**
 * Looks now and then who answers at the endpoints of clients that have living subscriptions or waiting deliveries, and suspends a
 * client whose endpoint is not itself any more (domain.md 11); in one process at a time by lease.
 */
export class EndpointWatch {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  private watched: Endpoint[] = [];
  private foundAtMs = Number.NEGATIVE_INFINITY;
  /** The lists that what is remembered was last compared with. */
  private comparedWith?: Lists;
  private reason?: string;

  constructor(private readonly parts: EndpointWatchParts) {
    this.lease = new HeldLease(parts.checkpoints, 'endpoint-watch');
    this.loop = new WorkLoop({
      name: 'endpoint-watch',
      step: () => this.step(),
      idleMs,
      wakeUp: parts.checkpoints.released,
      log: parts.log,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await this.lease.giveBack();
  }

  /** `heldBackBy`: why nobody is looked at. */
  state(): LoopState & { heldBackBy?: string } {
    return { ...this.loop.state(), ...(this.reason !== undefined && { heldBackBy: this.reason }) };
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current() && !(await this.lease.take())) return { againInMs: await this.lease.freeInMs() };
    const { client, clock, store, suspended } = this.parts;
    this.reason = await client.heldBackBy(clock.now());
    if (this.reason !== undefined) return 'idle';
    if (performance.now() - this.foundAtMs >= findClientsEveryMs) await this.find();
    // A suspended client is looked at again before it is resumed.
    const watched = this.watched.filter(({ clientId }) => !suspended.has(clientId));
    const due = await store.due(watched, clock.now(), looksAtOnce);
    const looks = await Promise.allSettled(due.map(({ endpoint, state }) => this.look(endpoint, state)));
    const failed = looks.find((look) => look.status === 'rejected');
    // The others are done; this one is still due at the next step, after the loop's pause.
    if (failed) throw new Error('What a look at an endpoint found could not be recorded.', { cause: failed.reason });
    return due.length === looksAtOnce ? 'more' : 'idle';
  }

  private async find(): Promise<void> {
    const { lists, store, subscriptions, deliveries, clock } = this.parts;
    const current = lists.current();
    if (current !== this.comparedWith) {
      await store.forgetOthers(allEndpoints(current));
      this.comparedWith = current;
    }
    const now = clock.now();
    const listed = [...current.clients()].map(({ clientId }) => clientId);
    const [subscribed, waiting] = await Promise.all([
      subscriptions.withRunning(listed, dateOf(now)),
      deliveries.withUnfinished(listed),
    ]);
    const inPlay = new Set([...subscribed, ...waiting]);
    this.watched = [...inPlay].flatMap((clientId) => {
      const client = current.client(clientId);
      return client ? endpointsOf(client) : [];
    });
    await store.add(this.watched, now);
    this.foundAtMs = performance.now();
  }

  private async look(endpoint: Endpoint, state: EndpointState): Promise<void> {
    const { probe, policy, clock, store } = this.parts;
    const found = await probe.look(endpoint.origin);
    // The next step finds the reason, and nobody is looked at meanwhile.
    if (found.kind === 'held_back') return;
    const now = clock.now();
    const decided = decideLook(state, found, policy, now);
    if (decided.finding.kind === 'bad') await this.suspend(endpoint, now);
    await store.save(endpoint, decided.state, now, spread(now, decided.nextInMs));
    this.tell(endpoint, decided.finding, found.kind === 'unreachable' ? found.error : undefined);
  }

  /** Before what was found is saved: after a crash in between it is found again, and suspending twice suspends once. */
  private async suspend({ clientId }: Endpoint, now: Date): Promise<void> {
    const id = randomUUID();
    const trace = { correlation_id: id, causation_id: id };
    await this.parts.commandBus.execute(new SuspendClientOrder(clientId, 'endpoint_identity', trace, now));
  }

  private tell({ clientId, origin }: Endpoint, finding: Finding, error: string | undefined): void {
    const { metrics, log } = this.parts;
    metrics.looked(finding.kind);
    const line = { client_id: clientId, origin, ...finding, ...(error !== undefined && { error }) };
    const isNews =
      finding.kind === 'bad' || finding.kind === 'doubtful' || (finding.kind === 'changed' && finding.isNew);
    if (isNews) log.warn(line, 'endpoint.looked_at');
    else log.info(line, 'endpoint.looked_at');
  }
}
