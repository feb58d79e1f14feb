import type { StoredEvent } from '../../../src/event-store';
import type { ClaimedDelivery } from '../../../src/notifications/delivery';
import { plan, type Plan } from '../../../src/notifications/notification.planner';
import { deadlinesS } from '../../../src/notifications/retry-schedule';
import type { Database } from '../../../src/platform';
import type { SubscriptionEvent } from '../../../src/subscriptions';
import { adjusted, started, stored, terminated } from '../../support/builders';
import { Chance, uuidOf } from './chance';
import { EndpointPlan, endpointKinds, learnedAfterS } from './endpoint-plan';
import type { Change, Ledger } from './ledger';
import { SimulatedWorker } from './simulated-worker';
import { SimulatedWorld } from './simulated-world';

const minute = 60;
const day = 86_400;
/** Everything is over by then: the schedule of 14 days, after the last change. */
const endS = 15 * day;
/** A worker that was killed or frozen keeps its claims from others for so long (delivery.worker.ts). */
const leaseS = 8;
const frozenS = 40;
/** Until the planner has read what a worker's command has caused. */
const plannerLagS = 5;
/** Turns at one moment: each claims something, and so there is an end to them. */
const turnsMax = 500;

export interface SimulationOptions {
  readonly seed: number;
  /** Of each kind of endpoint. */
  readonly endpointsEach: number;
  readonly subscriptionsEach: number;
  readonly workers: number;
}

export interface Simulated {
  readonly ledger: Ledger;
  readonly steps: number;
  /** Virtual. */
  readonly lastedS: number;
}

/**
 * The delivery engine on a virtual clock: the real queue, breaker, schedule and deciding parts of the workers, against clients
 * that fail by a plan, with workers that are killed and frozen. Everything that is left to chance comes from the seed.
 */
export class DeliverySimulation {
  /** The engine's own; what is planned has its own, so that the plan does not depend on what the engine does. */
  private readonly chance: Chance;
  private readonly mishaps: Chance;
  private readonly lives = new Map<EndpointPlan, Chance>();
  private readonly world: SimulatedWorld;
  private readonly clients: EndpointPlan[];
  private readonly workers: SimulatedWorker[];
  private readonly notAvailable = new Set<string>();
  /** Written at the next step, in this order, as the planner would. */
  private planned: Plan[] = [];
  private resources: { change: Change; isAvailable: boolean }[] = [];
  private expired: ClaimedDelivery[] = [];
  /** Whose turn comes first. */
  private first = 0;
  private readonly versions = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly options: SimulationOptions,
  ) {
    this.chance = new Chance(options.seed, 'engine');
    this.mishaps = new Chance(options.seed, 'mishaps');
    this.clients = endpointKinds.flatMap((kind) =>
      Array.from(
        { length: options.endpointsEach },
        (_, n) => new EndpointPlan(`${kind}${n}.example`, kind, new Chance(options.seed, `${kind} ${n}`)),
      ),
    );
    const byId = new Map(this.clients.map((client) => [client.clientId, client]));
    this.world = new SimulatedWorld(database, byId, this.notAvailable, (id) => this.silence(id));
    this.workers = Array.from({ length: options.workers }, () => new SimulatedWorker(this.world));
    for (const client of this.clients) this.planLife(client);
    for (let n = 0; n < options.workers * 3; n += 1) this.planMishap(n);
  }

  async run(): Promise<Simulated> {
    const ownRandom = Math.random;
    // The engine's own chance is the seed's too, so that a run can be had again.
    Math.random = this.chance.next;
    try {
      return await this.steps();
    } finally {
      Math.random = ownRandom;
    }
  }

  private async steps(): Promise<Simulated> {
    const { timeline, clock, ledger } = this.world;
    for (let steps = 0; ; steps += 1) {
      timeline.runUpTo(clock.nowS);
      for (const worker of this.workers) await worker.settle();
      await this.write();
      await this.takeTurns();
      this.world.assertSound();
      const nextS = await this.nextS();
      if (nextS === undefined || nextS > endS) return { ledger, steps, lastedS: clock.nowS };
      clock.nowS = nextS;
    }
  }

  /** Each in turn, one of them first; again when what was claimed came to its end at once, for then more may be due. */
  private async takeTurns(): Promise<void> {
    for (let turns = 0; turns < turnsMax; turns += 1) {
      this.first += 1;
      const endedBefore = this.world.ended;
      for (let n = 0; n < this.workers.length; n += 1) {
        await this.workers[(this.first + n) % this.workers.length]!.turn();
      }
      for (const worker of this.workers) await worker.settle();
      if (this.world.ended === endedBefore) return;
    }
    throw new Error('The workers claim and claim, and the clock stands still.');
  }

  /** The next moment at which there may be something to do. */
  private async nextS(): Promise<number | undefined> {
    const { clock, timeline } = this.world;
    const [row] = await this.database.query<{ due: Date | null; held: Date | null }>(
      'simulation.next',
      `select (select min(due_at) from delivery where state = 'pending' and due_at > $1) as due,
              (select min(held_until) from notification_endpoint where held_until > $1) as held`,
      [clock.now()],
    );
    const moments = [row!.due, row!.held].flatMap((moment) => (moment === null ? [] : [clock.secondOf(moment)]));
    const next = [...moments, timeline.nextS() ?? Number.POSITIVE_INFINITY];
    const isEmpty = timeline.nextS() === undefined && row!.due === null && (await this.isEmpty());
    return isEmpty ? undefined : Math.max(clock.nowS + 1, Math.min(...next));
  }

  private async isEmpty(): Promise<boolean> {
    return (await this.database.query('simulation.any', 'select 1 from delivery limit 1')).length === 0;
  }

  private async write(): Promise<void> {
    const { silencedS } = this.world.ledger;
    const [planned, expired] = [this.planned, this.expired];
    // Whoever looks for the subscriptions of a person reads their streams, in which the silenced ones have ended.
    const resources = this.resources.filter(({ change }) => !silencedS.has(change.subscriptionId));
    [this.planned, this.resources, this.expired] = [[], [], []];
    const { store, clock, queue, ledger } = this.world;
    if (planned.length > 0) {
      await this.database.transaction((queries) => store.enqueue(planned, clock.now(), queries));
    }
    if (resources.length > 0) {
      const jobs = resources.map(({ change: { subscriptionId, client, sequence } }) => ({
        ...{
          subscription_id: subscriptionId,
          sequence,
          client_id: client.clientId,
          person_id: personOf(subscriptionId),
        },
        ...{ provider: 'aanbieder', service_id: '42', interface_version: '3.0.0', correlation_id: 'resource' },
        deadline_at: new Date(clock.now().getTime() + deadlinesS.resource * 1000),
      }));
      await this.database.transaction((queries) => store.enqueueResources(jobs, clock.now(), queries));
      for (const { change, isAvailable } of resources) {
        const { client, subscriptionId } = change;
        ledger.resourceChanges.push({ atS: clock.nowS, client, subscriptionId, isAvailable });
      }
    }
    if (expired.length > 0) {
      await this.database.query(
        'simulation.expire',
        `update delivery d set lease_until = '-infinity' from unnest($1::uuid[], $2::bigint[]) as c (delivery_id, fence)
         where d.delivery_id = c.delivery_id and d.fence = c.fence and d.state = 'sending'`,
        [expired.map(({ delivery_id }) => delivery_id), expired.map(({ fence }) => fence)],
      );
      await queue.freeExpired(expired.length);
    }
  }

  /** What happens with a client's subscriptions, most of it around the time at which it is out of order. */
  private planLife(client: EndpointPlan): void {
    const { timeline } = this.world;
    const life = this.lifeOf(client);
    for (let n = 0; n < this.options.subscriptionsEach; n += 1) {
      const subscriptionId = `${uuidOf(`${this.options.seed} ${client.clientId} ${n}`)}.1`;
      const isAvailable = n % 5 !== 4;
      if (!isAvailable) this.notAvailable.add(personOf(subscriptionId));
      let atS = life.upTo(15 * minute);
      const isForgotten = client.isForgotten(subscriptionId);
      const changes = isForgotten ? 1 : 1 + life.upTo(4);
      for (let sequence = 1; sequence <= changes; sequence += 1) {
        const ends = sequence === changes && changes > 2;
        const kind = sequence === 1 ? 'started' : ends ? 'terminated' : 'adjusted';
        const change = { atS, client, subscriptionId, sequence, kind } as const;
        timeline.at(atS, () => this.change(change, isAvailable));
        // It may be under way when the end is planned, and is not tried again after it.
        if (ends) timeline.at(atS - 1, () => this.resources.push({ change: { ...change, sequence: 1 }, isAvailable }));
        atS += life.next() < 0.3 ? life.upTo(20) : life.upTo(15 * minute);
      }
      // Only now is it believed that the client does not know it; what waits behind the notification that says so is never sent.
      if (!isForgotten) continue;
      const lateS = learnedAfterS + life.upTo(10 * minute);
      const late = { atS: lateS, client, subscriptionId, sequence: 0, kind: 'adjusted' } as const;
      for (let n = 0; n < 2; n += 1) timeline.at(lateS, () => this.change(late, isAvailable));
    }
    if (client.kind === 'suspended') {
      timeline.at(client.fromS, () => this.hold(client, 'park'));
      timeline.at(client.toS, () => this.hold(client, 'release'));
    }
  }

  /** The version is that of the moment. */
  private change(planned: Change, isAvailable: boolean): void {
    const { timeline, ledger, clock } = this.world;
    const { subscriptionId, client } = planned;
    if (ledger.silencedS.has(subscriptionId)) return;
    const sequence = this.nextVersion(subscriptionId);
    const change = { ...planned, atS: clock.nowS, sequence };
    ledger.changes.push(change);
    const build = { started, adjusted, terminated }[change.kind];
    this.append(build({ end_date: '2026-07-01' }), change);
    const life = this.lifeOf(client);
    // Before an ending, beside another change, or long after.
    const afterS = life.next() < 0.5 ? life.upTo(5) : life.upTo(10 * minute);
    if (change.kind !== 'terminated' && life.next() < 0.5 && client.kind !== 'gone')
      timeline.at(clock.nowS + afterS, () => this.resources.push({ change, isAvailable }));
  }

  private append(event: SubscriptionEvent, { subscriptionId, client, sequence }: Omit<Change, 'kind' | 'atS'>): void {
    const fact = {
      ...stored(event, sequence, this.world.clock.now()),
      event_id: uuidOf(`${subscriptionId} ${sequence}`),
      metadata: { correlation_id: String(sequence), causation_id: 'simulation' },
    } as StoredEvent<SubscriptionEvent>;
    const subject = {
      subscription_id: subscriptionId,
      client_id: client.clientId,
      person_id: personOf(subscriptionId),
    };
    Object.assign(fact, { data: { ...fact.data, ...subject } });
    this.planned.push(plan(fact));
  }

  /** The client does not know it: it ends, and the planner reads that a moment later. */
  private silence(subscriptionId: string): void {
    const { timeline, ledger, clock } = this.world;
    const client = ledger.changes.find((change) => change.subscriptionId === subscriptionId)!.client;
    if (ledger.silencedS.has(subscriptionId)) return;
    ledger.silencedS.set(subscriptionId, clock.nowS);
    timeline.at(clock.nowS + plannerLagS, () => {
      const sequence = this.nextVersion(subscriptionId);
      this.append(terminated({ reason: 'client_endpoint' }), { subscriptionId, client, sequence });
    });
  }

  private hold(client: EndpointPlan, kind: 'park' | 'release'): void {
    this.planned.push({ kind, clientId: client.clientId, occurredAt: this.world.clock.now() });
  }

  /**
   * One worker after the other, as soon as it has a call under way, is killed, and another takes its place, or stands still for
   * longer than its leases last.
   */
  private planMishap(n: number): void {
    const { timeline, clock } = this.world;
    const place = n % this.options.workers;
    const strike = (): void => {
      const worker = this.workers[place]!;
      if (!worker.isAlive || !this.world.isCalling(worker)) {
        if (clock.nowS < 2 * 3_600) timeline.at(clock.nowS + 1 + this.mishaps.upTo(20), strike);
        return;
      }
      const isKilled = this.mishaps.next() < 0.6;
      this.world.orphan(worker, isKilled ? undefined : clock.nowS + frozenS);
      const claims = isKilled ? worker.kill() : worker.freeze();
      timeline.at(clock.nowS + leaseS, () => this.expired.push(...claims));
      if (isKilled) this.workers[place] = new SimulatedWorker(this.world);
      else timeline.at(clock.nowS + frozenS, () => worker.wakeUp());
    };
    timeline.at(30 + this.mishaps.upTo(60 * minute), strike);
  }

  private nextVersion(subscriptionId: string): number {
    const version = (this.versions.get(subscriptionId) ?? 0) + 1;
    this.versions.set(subscriptionId, version);
    return version;
  }

  private lifeOf(client: EndpointPlan): Chance {
    const life = this.lives.get(client) ?? new Chance(this.options.seed, `life ${client.clientId}`);
    this.lives.set(client, life);
    return life;
  }
}

const personOf = (subscriptionId: string) => uuidOf(`person of ${subscriptionId}`);
