import { randomUUID } from 'node:crypto';
import { ResumeClientOrder, SuspendClientOrder } from '../clients';
import { type CheckpointStore, HeldLease } from '../event-store';
import { type Logger, type LoopState, type StepOutcome, WorkLoop } from '../platform';
import { dateOf } from '../subscriptions';
import type { Delisted, Delisting, DelistingStore } from './delisting.store';
import type { Listed } from './listed';
import { nextPhase } from './next-phase';
import { type Deed, SubscriptionWalk, type WalkParts } from './subscription-walk';

const idleMs = 1_000;
/** Between two pages of endings: each tells a client something, and there may be a million of them. */
const betweenEndingsMs = 1_000;
/** Clients or services looked up in one step. */
const lookedUpMax = 500;
/** What is gone at once; more wait until some of them are over. */
const delistingsMax = 10_000;
/**
 * All are looked up when a list has a new edition, then again after these pauses, the last of them for ever: a subscription may have
 * begun by an older edition, or not be seen in the view yet.
 */
const lookAgainMs = [2_000, 60_000, 10 * 60 * 1000] as const;

export interface DelistingParts extends WalkParts {
  checkpoints: CheckpointStore;
  store: DelistingStore;
  listed: Listed;
  endAfterDays: number;
  log: Logger;
}

/**
 * What leaves the lists is suspended, comes back by itself when it is listed again, and ends when it stays away (domain.md 8,
 * decided). One bounded piece a step, in one process at a time by lease, and only by lists that are fresh.
 */
export class DelistingScheduler {
  private readonly lease: HeldLease;
  private readonly loop: WorkLoop;
  private walk?: SubscriptionWalk;
  /** How far the look at everybody has come; undefined between two of them. */
  private look?: { edition: string; clientId?: string; service?: { provider: string; service_id: string } };
  private looked?: { edition: string; atMs: number; times: number };

  constructor(private readonly parts: DelistingParts) {
    this.lease = new HeldLease(parts.checkpoints, 'delisting');
    this.loop = new WorkLoop({
      name: 'delisting',
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

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    if (!this.lease.current()) {
      // What this process knew may be old by now.
      this.walk = this.look = this.looked = undefined;
      if (!(await this.lease.take())) return { againInMs: await this.lease.freeInMs() };
    }
    if (this.walk) return this.goOn(this.walk);
    if (await this.beginNext()) return 'more';
    return (await this.lookUp()) ? 'more' : 'idle';
  }

  private async goOn(walk: SubscriptionWalk): Promise<StepOutcome> {
    const { store, log, listed } = this.parts;
    const { delisted, deed } = walk;
    // Nothing ends by a list that is old by now, nor what has come back meanwhile.
    if (deed === 'ending' && listed.has(delisted) !== false) {
      this.walk = undefined;
      return 'more';
    }
    if (!(await walk.step())) return deed === 'ending' ? { againInMs: betweenEndingsMs } : 'more';
    this.walk = undefined;
    if (deed === 'resuming') await store.end(delisted);
    else await store.enter(delisted, deed === 'ending' ? 'ended' : 'resting');
    log.info({ ...delisted, subscriptions: walk.changed }, `delisting.${deed}_done`);
    return 'more';
  }

  /** Whether something was begun or done about one of those that are gone. */
  private async beginNext(): Promise<boolean> {
    const { store, listed, endAfterDays, clock } = this.parts;
    for (const delisting of await store.all(delistingsMax)) {
      const isListed = listed.has(delisting);
      if (isListed === undefined) continue;
      const next = nextPhase(delisting, { isListed, endAfterDays, now: clock.now() });
      if (next === undefined || next === 'resting' || next === 'ended') continue;
      if (next === 'back') await this.clientBack(delisting);
      else await this.beginWalk(delisting, next);
      return true;
    }
    return false;
  }

  private async beginWalk(delisting: Delisting, deed: Deed): Promise<void> {
    const { kind, name, service_id, phase } = delisting;
    if (phase !== deed) await this.parts.store.enter(delisting, deed);
    this.walk = new SubscriptionWalk({ kind, name, service_id }, deed, this.parts);
  }

  private async clientBack(delisting: Delisting): Promise<void> {
    const { commandBus, clock, store, log } = this.parts;
    await commandBus.execute(new ResumeClientOrder(delisting.name, 'client_listed', newTrace(), clock.now()));
    await store.end(delisting);
    log.info({ client_id: delisting.name }, 'delisting.client_back');
  }

  /** Looks up a page of everybody there are subscriptions of. Whether there are more. */
  private async lookUp(): Promise<boolean> {
    const { running, listed } = this.parts;
    const edition = listed.edition();
    if (!this.look && !this.isLookDue(edition)) return false;
    this.look ??= { edition, clientId: '' };
    if (this.look.clientId !== undefined) {
      const clientIds = await running.clientIds(this.look.clientId, lookedUpMax);
      for (const name of clientIds) await this.judge({ kind: 'client', name, service_id: '' });
      this.look.clientId = clientIds.length === lookedUpMax ? clientIds.at(-1) : undefined;
      return true;
    }
    const services = await running.services(this.look.service ?? { provider: '', service_id: '' }, lookedUpMax);
    for (const { provider, service_id } of services) await this.judge({ kind: 'service', name: provider, service_id });
    this.look.service = services.at(-1);
    if (services.length === lookedUpMax) return true;
    const times = this.looked?.edition === this.look.edition ? this.looked.times + 1 : 1;
    this.looked = { edition: this.look.edition, atMs: performance.now(), times };
    this.look = undefined;
    return services.length > 0;
  }

  private isLookDue(edition: string): boolean {
    if (this.looked?.edition !== edition) return true;
    const pauseMs = lookAgainMs[Math.min(this.looked.times, lookAgainMs.length) - 1]!;
    return performance.now() - this.looked.atMs >= pauseMs;
  }

  private async judge(delisted: Delisted): Promise<void> {
    const { listed, running, store, commandBus, clock, log } = this.parts;
    if (listed.has(delisted) !== false) return;
    const { kind, name, service_id } = delisted;
    const group = kind === 'client' ? { client_id: name } : { provider: name, service_id };
    const now = clock.now();
    if ((await running.of(group, dateOf(now), undefined, 1)).length === 0) return;
    if (kind === 'client') {
      await commandBus.execute(new SuspendClientOrder(name, 'client_delisted', newTrace(), now));
    }
    const phase = kind === 'client' ? 'resting' : 'suspending';
    if (await store.begin({ ...delisted, since: now, phase })) log.warn({ ...delisted }, 'delisting.gone');
    // One that was suspended before may have got new subscriptions since, by an older list.
    else if (kind === 'service') await store.enterIfResting(delisted, 'suspending');
  }
}

function newTrace() {
  const id = randomUUID();
  return { correlation_id: id, causation_id: id };
}
