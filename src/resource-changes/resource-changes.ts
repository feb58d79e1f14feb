import { timingSafeEqual } from 'node:crypto';
import type { QueryBus } from '@nestjs/cqrs';
import type { SuspendedClients } from '../clients';
import type { Trace } from '../event-store';
import type { ListStore } from '../medmij-lists';
import type { DeliveryStore, PlannedResource } from '../notifications';
import type { KnownPersons, PersonIdentities, RequestFingerprint } from '../persons';
import { type Clock, type Logger, type Signal, Turnstile } from '../platform';
import { Refused } from '../refusals';
import { type ActiveSubscription, ActiveSubscriptionsQuery } from '../subscriptions';
import type { ResourceChange } from './resource-change';
import type { KnownChange, ResourceChangeStore } from './resource-change.store';

/** Changes under way at once in one process, so that they leave connections for others, and those that wait for their turn. */
const limits = { inside: 8, waiting: 2_000 };
/** Clients hear within an hour of the change (ext.abo.rscnotint.200). */
const withinMs = 60 * 60 * 1000;
/** A change may lie this far ahead of our clock, as an authorization may (decided). */
const clockSkewMs = 5 * 60 * 1000;

export interface ResourceChangeParts {
  lists: ListStore;
  suspendedClients: SuspendedClients;
  identities: PersonIdentities;
  persons: KnownPersons;
  fingerprints: RequestFingerprint;
  queryBus: QueryBus;
  store: ResourceChangeStore;
  deliveries: Pick<DeliveryStore, 'enqueueResources'>;
  /** Raised when there is something to deliver. */
  planned: Signal;
  clock: Clock;
  log: Logger;
}

/**
 * The one path of a resource change, whichever door it came through: whom it concerns is found in the log itself, by the ids of
 * the streams, so that a subscription that began a moment ago is told too; the change and the notifications are one commit.
 */
export class ResourceChanges {
  private readonly turnstile = new Turnstile(limits);

  constructor(private readonly parts: ResourceChangeParts) {}

  /**
   * How many subscriptions are told; a change that was taken in before is answered as then.
   * @throws Refused `change_conflict`, `unknown_service`, `unknown_provider`, `authorization_stale` or `unavailable`
   */
  async accept(change: ResourceChange, trace: Trace): Promise<{ notifications: number }> {
    const accepted = this.turnstile.pass(() => this.acceptInTurn(change, trace));
    if (!accepted) throw new Refused('unavailable', 'Too many resource changes are waiting already.');
    return { notifications: await accepted };
  }

  private async acceptInTurn(change: ResourceChange, trace: Trace): Promise<number> {
    const { store } = this.parts;
    const fingerprint = this.fingerprintOf(change);
    const known = await store.find(change.change_id);
    if (known) return repeated(known, fingerprint);
    this.check(change);
    const jobs = await this.jobsOf(change, trace);
    if (await this.record(change.change_id, fingerprint, jobs)) {
      this.told(change, trace, jobs.length);
      return jobs.length;
    }
    const first = await store.find(change.change_id);
    if (!first) throw new Error('A change that was there a moment ago is not there any more.');
    return repeated(first, fingerprint);
  }

  /** Whether our lists know of whom it speaks; whether anybody subscribed is not asked here (contract.md 4). */
  private check({ provider, service_id: serviceId, available_at: availableAt }: ResourceChange): void {
    const lists = this.parts.lists.current();
    if (lists.serviceName(serviceId) === undefined) throw refusedField('unknown_service', 'service_id');
    if (!lists.provider(provider)) throw refusedField('unknown_provider', 'provider');
    if (new Date(availableAt).getTime() > this.parts.clock.now().getTime() + clockSkewMs) {
      throw new Refused('authorization_stale', 'available_at lies more than 5 minutes in the future.');
    }
  }

  private async jobsOf(change: ResourceChange, { correlation_id, traceparent }: Trace): Promise<PlannedResource[]> {
    const { identities, persons, queryBus, clock } = this.parts;
    const { provider, service_id: serviceId } = change;
    const personId = await persons.idOf(identities.of(change.subject, change.issuer));
    if (personId === undefined) return [];
    const query = new ActiveSubscriptionsQuery(
      personId,
      { provider, serviceId },
      this.clientIdsOf(serviceId),
      clock.now(),
    );
    const deadline_at = new Date(new Date(change.available_at).getTime() + withinMs);
    return (await queryBus.execute(query)).map((subscription) => ({
      ...notificationOf(subscription),
      correlation_id,
      ...(traceparent !== undefined && { traceparent }),
      deadline_at,
    }));
  }

  /** One that has left the list is suspended: what there is to tell waits for its return (domain.md 8). */
  private clientIdsOf(serviceId: string): string[] {
    const { lists, suspendedClients } = this.parts;
    const suspended = suspendedClients.all().map(({ client_id }) => client_id);
    return [...new Set([...lists.current().clientsOf(serviceId), ...suspended])];
  }

  private record(changeId: string, fingerprint: Buffer, jobs: readonly PlannedResource[]): Promise<boolean> {
    const { store, deliveries, clock } = this.parts;
    const now = clock.now();
    return store.record(changeId, { fingerprint, notifications: jobs.length }, now, async (queries) => {
      if (jobs.length > 0) await deliveries.enqueueResources(jobs, now, queries);
    });
  }

  /** The sender chose the change id, and may have put anything into it: it is not repeated. */
  private told({ provider, service_id }: ResourceChange, { correlation_id }: Trace, notifications: number): void {
    if (notifications > 0) this.parts.planned.raise();
    this.parts.log.info({ provider, service_id, correlation_id, notifications }, 'resource_change.accepted');
  }

  /** What was sent, not what we made of it. */
  private fingerprintOf(change: ResourceChange): Buffer {
    return this.parts.fingerprints.of([
      'resource change',
      change.subject,
      change.issuer ?? null,
      change.provider,
      change.service_id,
      new Date(change.available_at).toISOString(),
    ]);
  }
}

/** Everything but what the change itself says. */
function notificationOf({ subscriptionId, version, party, interfaceVersion }: ActiveSubscription) {
  return { subscription_id: subscriptionId, sequence: version, ...party, interface_version: interfaceVersion };
}

function repeated({ fingerprint, notifications }: KnownChange, again: Buffer): number {
  if (!timingSafeEqual(fingerprint, again)) throw new Refused('change_conflict');
  return notifications;
}

function refusedField(code: 'unknown_service' | 'unknown_provider', path: string): Refused {
  const refused = new Refused(code);
  return new Refused(code, refused.detail, [{ path, message: refused.detail }]);
}
