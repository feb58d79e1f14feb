import type { NotificationClient } from '../../../src/client-connections';
import type { AttemptParts } from '../../../src/notifications/delivery.attempt';
import { DeliveryQueue } from '../../../src/notifications/delivery-queue.store';
import { DeliveryStore } from '../../../src/notifications/delivery.store';
import { EndpointStore } from '../../../src/notifications/endpoint.store';
import type { Clock, Database } from '../../../src/platform';
import type { TerminateOrder } from '../../../src/subscriptions';
import type { EndpointPlan, Reply } from './endpoint-plan';
import { Ledger, type Request } from './ledger';
import type { SimulatedWorker } from './simulated-worker';
import { Timeline } from './timeline';

export type Call = Parameters<NotificationClient['send']>[0];

const startMs = Date.parse('2026-03-01T12:00:00Z');
export const startGraceS = 900;

/** The clock of the simulation: it stands still until it is set. */
export class VirtualClock implements Clock {
  nowS = 0;

  now(): Date {
    return new Date(startMs + this.nowS * 1000);
  }

  /** The first whole second at which `moment` is over. */
  secondOf(moment: Date): number {
    return Math.ceil((moment.getTime() - startMs) / 1000);
  }
}

/** What surrounds the workers: the real queue on PostgreSQL, and clients that answer by their plans. */
export class SimulatedWorld {
  readonly clock = new VirtualClock();
  readonly timeline = new Timeline();
  readonly ledger = new Ledger();
  readonly store = new DeliveryStore();
  /** Deliveries that have left the hand of a worker, recorded or given back. */
  ended = 0;
  readonly queue: DeliveryQueue;
  readonly endpoints: EndpointStore;
  readonly attemptParts: Omit<AttemptParts, 'client'>;
  private readonly calling = new Map<Request, SimulatedWorker>();
  private failure?: unknown;

  constructor(
    readonly database: Database,
    private readonly clients: ReadonlyMap<string, EndpointPlan>,
    /** Persons of whom nothing may be told. */
    notAvailable: ReadonlySet<string>,
    private readonly onUnknown: (subscriptionId: string) => void,
  ) {
    this.queue = new DeliveryQueue(database);
    this.endpoints = new EndpointStore(database);
    const endpoint = (clientId: string, kind: string) => `https://${clientId}/${kind}`;
    this.attemptParts = {
      database,
      store: this.store,
      clock: this.clock,
      startGraceS,
      lists: {
        current: () => ({
          notificationEndpoints: (clientId: string) => ({
            subscription: endpoint(clientId, 'subscription'),
            resource: endpoint(clientId, 'resource'),
          }),
        }),
      } as unknown as AttemptParts['lists'],
      beforeSending: {
        mayTell: ({ person_id: person }) => {
          // Whoever knows is away now and then, and no try is lost by it.
          if (Math.random() < 0.1) return Promise.reject(new Error('away'));
          return Promise.resolve(!notAvailable.has(person ?? ''));
        },
      },
      commandBus: {
        execute: (order: TerminateOrder) => {
          this.onUnknown(order.command().subscriptionId!);
          return Promise.resolve();
        },
      } as AttemptParts['commandBus'],
    };
  }

  /** A call on its way: the client has it at once, and its answer comes when the plan says so. */
  call(worker: SimulatedWorker, { baseUri, body, correlationId }: Call): Promise<Reply['answer']> {
    const client = this.clients.get(new URL(baseUri).hostname)!;
    const type = body.notification_type as Request['type'];
    const subscriptionId = body.subscription_id!;
    const atS = this.clock.nowS;
    const { afterS, answer } = client.reply(atS, subscriptionId, type);
    const sequence = type === 'subscription' ? Number(correlationId) : undefined;
    const request: Request = {
      ...{ atS, untilS: atS + afterS, client, subscriptionId, type, sequence, answer },
      isOrphan: false,
    };
    this.ledger.requests.push(request);
    this.calling.set(request, worker);
    return new Promise((resolve) => {
      this.timeline.at(atS + afterS, () => {
        this.calling.delete(request);
        resolve(answer);
      });
    });
  }

  isCalling(worker: SimulatedWorker): boolean {
    return [...this.calling.values()].includes(worker);
  }

  /** The answers of what this worker has under way will not be recorded in time, if ever. */
  orphan(worker: SimulatedWorker, wokeUpS?: number): void {
    for (const [request, caller] of this.calling) {
      if (caller !== worker) continue;
      Object.assign(request, { isOrphan: true, wokeUpS });
      this.ledger.orphans += 1;
    }
  }

  /** A worker stumbled over something that is no answer and no outage. */
  broken(error: unknown): void {
    this.failure ??= error;
  }

  /** @throws what a worker stumbled over */
  assertSound(): void {
    if (this.failure !== undefined) throw this.failure as Error;
  }
}
