import { timingSafeEqual } from 'node:crypto';
import type { SuspendedClients } from '../clients';
import {
  type AppendRequest,
  type EventStore,
  type IdentityRow,
  positionText,
  type ReadResult,
  streamIdOf,
} from '../event-store';
import { Refused } from '../refusals';
import { decide, evolve, initialState, isRunning, type SubscriptionState } from './subscription.decider';
import type { SubscriptionEvent } from './subscription.events';
import type { Once, Order, OrderResult, Standing } from './order';
import type {
  ActiveSubscription,
  ActiveSubscriptionsQuery,
  OwnSubscriptionQuery,
  SubscriptionNow,
  SubscriptionQuery,
} from './subscription.queries';

/** One order's outcome; `again` when somebody else was first and it has to be decided anew. */
export type Outcome = { result: OrderResult } | { error: unknown } | 'again';

/** Clients that are suspended as a whole. */
export type WhichAreSuspended = Pick<SuspendedClients, 'has'>;

interface Decided {
  append: AppendRequest;
  standing: Omit<Standing, 'position'>;
}

/**
 * Reads the streams of a batch of orders, decides each by itself, appends what was decided in one commit. Every order has an
 * outcome of its own; only an outage of the database fails them all.
 */
export async function carryOut(
  orders: readonly Order[],
  eventStore: EventStore,
  clients: WhichAreSuspended,
): Promise<Outcome[]> {
  const read = await eventStore.read<SubscriptionEvent>(
    orders.map((order) => ({ target: order.target, commandKey: order.once?.key })),
  );
  const outcomes: Outcome[] = [];
  const appends: { index: number; decided: Decided }[] = [];
  const streams = new Set<string>();
  const keys = new Set<string>();
  orders.forEach((order, index) => {
    try {
      const known = read[index]!;
      if (known.command) {
        outcomes[index] = { result: repeated(order.once!, known.command) };
        return;
      }
      const decided = decideOrder(order, known, clients);
      // One key for two different things, of different persons: the second must see the answer to the first.
      if (streams.has(decided.append.streamId) || (order.once && keys.has(order.once.key))) {
        outcomes[index] = 'again';
        return;
      }
      streams.add(decided.append.streamId);
      if (order.once) keys.add(order.once.key);
      if (order.once === undefined && decided.append.facts.length === 0) {
        outcomes[index] = { result: unchanged(decided, known) };
        return;
      }
      appends.push({ index, decided });
    } catch (error) {
      outcomes[index] = { error };
    }
  });
  if (appends.length > 0) {
    const results = await eventStore.append(appends.map(({ decided }) => decided.append));
    appends.forEach(({ index, decided }, nth) => {
      const result = results[nth]!;
      outcomes[index] =
        result.outcome === 'conflict'
          ? 'again'
          : {
              result: {
                recorded: decided.append.facts.length > 0,
                standing: { ...decided.standing, position: result.position },
              },
            };
    });
  }
  return outcomes;
}

/** The answer already given to an order by its key; undefined when there was none. @throws Refused on other content */
export async function answerTo(once: Once, eventStore: EventStore): Promise<OrderResult | undefined> {
  const [read] = await eventStore.read([{ target: { streamId: nowhere }, commandKey: once.key }]);
  return read?.command && repeated(once, read.command);
}

/** One subscription of a stream as a query asks for it, ended or not; undefined when there is none. */
export async function subscriptionNow(
  { target, subscriptionId, now }: SubscriptionQuery | OwnSubscriptionQuery,
  eventStore: EventStore,
): Promise<SubscriptionNow | undefined> {
  const [read] = await eventStore.read<SubscriptionEvent>([{ target }]);
  const asked = subscriptionId ?? read!.events.at(-1)?.data.subscription_id;
  // By its own events only: those of its successors on the stream say nothing about it.
  const own = read!.events.filter(({ data }) => data.subscription_id === asked);
  const { latest } = upToNow(own, now);
  if (!latest) return undefined;
  const { subscriptionId: subscription_id, party, status, endDate: end_date } = latest;
  return { party, standing: { subscription_id, status, end_date } };
}

/** Streams read in one round trip. */
const streamsPerReadMax = 200;

/** What a query asks for: of each stream at most one subscription, since at most one of them is running (domain.md 1). */
export async function activeSubscriptions(
  { streamIds, now }: ActiveSubscriptionsQuery,
  eventStore: EventStore,
): Promise<ActiveSubscription[]> {
  const active: ActiveSubscription[] = [];
  for (let from = 0; from < streamIds.length; from += streamsPerReadMax) {
    const targets = streamIds.slice(from, from + streamsPerReadMax).map((streamId) => ({ target: { streamId } }));
    for (const { events } of await eventStore.read<SubscriptionEvent>(targets)) {
      const { latest } = upToNow(events, now);
      if (latest?.status !== 'active') continue;
      const { subscriptionId, party, interfaceVersion } = latest;
      active.push({ subscriptionId, party, interfaceVersion, version: events.length });
    }
  }
  return active;
}

/** Where the day border has passed and nobody has noticed, it goes by the date (domain.md 1, decided). */
function upToNow(events: readonly SubscriptionEvent[], now: Date): SubscriptionState {
  const state = events.reduce<SubscriptionState>(evolve, initialState);
  return decide({ type: 'Expire', now }, state).reduce(evolve, state);
}

/** The nil UUID: no stream has it. */
const nowhere = '00000000-0000-0000-0000-000000000000';

function decideOrder(order: Order, known: ReadResult<SubscriptionEvent>, clients: WhichAreSuspended): Decided {
  const person = known.personId === undefined ? order.person?.newRow() : undefined;
  const streamId = streamOfOrder(order, known, person);
  const state = known.events.reduce<SubscriptionState>(evolve, initialState);
  const clientId = 'names' in order.target ? order.target.names[0] : state.latest?.party.client_id;
  const clientIsSuspended = clientId !== undefined && clients.has(clientId);
  const command = order.command({ streamId, personId: known.personId ?? person?.personId ?? '' });
  // A copy costs a microsecond, so only who needs one pays it.
  const facts = decide(clientIsSuspended ? { ...command, clientIsSuspended } : command, state);
  const { latest } = facts.reduce(evolve, state);
  // An Expire for a stream without a subscription cannot be: the stream would not be due.
  // Nor is there anything to re-approve for somebody who never subscribed.
  if (!latest) throw new Refused('not_subscribed');
  const standing = {
    subscription_id: latest.subscriptionId,
    status: clientIsSuspended && isRunning(latest) ? 'suspended' : latest.status,
    end_date: latest.endDate,
    version: known.events.length + facts.length,
  };
  return {
    standing,
    append: {
      streamId,
      expectedVersion: known.events.length,
      isArchived: known.isArchived,
      facts,
      dueOn: isRunning(latest) ? latest.endDate : null,
      person,
      command: order.once && { ...order.once, answer: standing },
      trace: order.trace,
      occurredAt: order.now,
    },
  };
}

function streamOfOrder({ target }: Order, { personId }: ReadResult, newPerson?: IdentityRow): string {
  if ('streamId' in target) return target.streamId;
  return streamIdOf(personId ?? newPerson!.personId, ...target.names);
}

/** domain.md and contract.md 4: the same request again gets the stored body, another one under the same id is refused. */
function repeated(once: Once, stored: NonNullable<ReadResult['command']>): OrderResult {
  if (!timingSafeEqual(once.fingerprint, stored.fingerprint)) throw new Refused('authorization_conflict');
  // Field by field, so that a repeat is the same to the byte: the database keeps the fields in an order of its own.
  const { subscription_id, status, end_date, version } = stored.answer as Omit<Standing, 'position'>;
  return { recorded: false, standing: { subscription_id, status, end_date, version, position: stored.position } };
}

function unchanged({ standing }: Decided, { events }: ReadResult): OrderResult {
  return { recorded: false, standing: { ...standing, position: positionText(events.at(-1)!.position) } };
}
