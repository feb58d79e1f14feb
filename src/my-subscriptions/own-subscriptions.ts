import type { CommandBus } from '@nestjs/cqrs';
import type { ListStore } from '../medmij-lists';
import type { KnownPersons, PersonIdentities } from '../persons';
import type { Clock, Logger } from '../platform';
import type { ProjectionWait, SubscriptionView, SubscriptionViewStore } from '../projections';
import { Refused } from '../refusals';
import type { SignedIn } from '../sign-in';
import { dateOf, isSubscriptionId, ResumeOrder, TerminateOrder } from '../subscriptions';

type Trace = TerminateOrder['trace'];

/** A subscription in the names that its person knows. */
export interface OwnSubscription {
  id: string;
  organisation: string;
  provider: string;
  service: string;
  endDate: string;
  status: SubscriptionView['status'];
  suspendedBy: SubscriptionView['suspended_by'];
}

/** What a person does on the pages; `present` is how the subscription stood before. */
interface Step {
  what: 'end' | 're_approve';
  present: SubscriptionView;
  trace: Trace;
}

/** Subscriptions on one page of the list. */
const pageMax = 20;

/** Somebody else was first, or nobody offers the service any more: the page says so. */
const passing = new Set(['not_subscribed', 'client_suspended', 'service_not_offered']);

/** What a signed-in person may see and do: with the subscriptions of that person, and with no other (domain.md 10, 11). */
export class OwnSubscriptions {
  constructor(
    private readonly identities: PersonIdentities,
    private readonly persons: KnownPersons,
    private readonly views: SubscriptionViewStore,
    private readonly projection: ProjectionWait,
    private readonly lists: ListStore,
    private readonly commandBus: CommandBus,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /**
   * Newest first. `next`: the id to ask on after, when there are more.
   * @param after the last one of the page before
   * @throws Refused `not_found`
   */
  async page(person: SignedIn, after: string | undefined): Promise<{ items: OwnSubscription[]; next?: string }> {
    const personId = await this.idOf(person);
    if (personId === undefined) return { items: [] };
    const last = after === undefined ? undefined : await this.viewOf(personId, after);
    const place = last && { startedAt: last.started_at.toISOString(), subscriptionId: last.subscription_id };
    const rows = await this.views.list({ person_id: personId }, place, pageMax + 1, this.today());
    const shown = rows.slice(0, pageMax);
    return {
      items: shown.map((row) => this.named(row)),
      ...(rows.length > pageMax && { next: shown.at(-1)!.subscription_id }),
    };
  }

  /** @throws Refused `not_found` when there is none by this id, or it is somebody else's */
  async one(person: SignedIn, id: string): Promise<OwnSubscription> {
    return this.named(await this.viewOf(await this.idOf(person), id));
  }

  /** An ending is never refused; what has ended stays as it is. @throws Refused `not_found` */
  async end(person: SignedIn, id: string, trace: Trace): Promise<void> {
    const present = await this.viewOf(await this.idOf(person), id);
    await this.carryOut({ what: 'end', present, trace }, new TerminateOrder(id, 'person', trace, this.clock.now()));
  }

  /** Nothing where there is nothing to resume, or only an operator can. @throws Refused `not_found` */
  async reapprove(person: SignedIn, id: string, trace: Trace): Promise<void> {
    const present = await this.viewOf(await this.idOf(person), id);
    await this.carryOut({ what: 're_approve', present, trace }, new ResumeOrder(id, 'person', trace, this.clock.now()));
  }

  /** Until the pages show it. The log says what was done with which subscription, never by whom (domain.md 12). */
  private async carryOut({ what, present, trace }: Step, order: TerminateOrder | ResumeOrder): Promise<void> {
    const { subscription_id, client_id } = present;
    const line = { ...trace, what, by: 'person', subscription_id, client_id };
    try {
      const { recorded, standing } = await this.commandBus.execute(order);
      this.log.info(
        { ...line, recorded, status: standing.status, end_date: standing.end_date },
        'subscription.ordered',
      );
      await this.projection.until(standing.position);
    } catch (error) {
      // Somebody else's ending or suspension was first: the page that follows says how it is.
      if (!(error instanceof Refused && passing.has(error.code))) throw error;
      this.log.info({ ...line, error: error.code }, 'subscription.refused');
    }
  }

  private async viewOf(personId: string | undefined, id: string): Promise<SubscriptionView> {
    const view = isSubscriptionId(id) ? await this.views.find(id, this.today()) : undefined;
    if (view === undefined || view.person_id !== personId) throw new Refused('not_found');
    return view;
  }

  /** What has left the lists keeps the name that the subscription itself has. */
  private named(view: SubscriptionView): OwnSubscription {
    const lists = this.lists.current();
    return {
      id: view.subscription_id,
      organisation: lists.client(view.client_id)?.organisationName ?? view.client_id,
      provider: view.provider,
      service: lists.serviceName(view.service_id) ?? view.service_id,
      endDate: view.end_date,
      status: view.status,
      suspendedBy: view.suspended_by,
    };
  }

  private idOf({ subject, issuer }: SignedIn): Promise<string | undefined> {
    return this.persons.idOf(this.identities.of(subject, issuer));
  }

  private today(): string {
    return dateOf(this.clock.now());
  }
}
