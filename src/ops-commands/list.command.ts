import { type OpsCommand, UsageWrong } from './command';
import type { OpsPage } from './ops-api.client';
import { readWords } from './options';

interface Listing {
  path: string;
  filters: readonly string[];
  /** What a table shows; the rest is there with --json. */
  shown: readonly string[];
}

const listings: Record<string, Listing> = {
  subscriptions: {
    path: '/subscriptions',
    filters: ['client_id', 'provider', 'service_id', 'status', 'person_id'],
    shown: ['subscription_id', 'client_id', 'provider', 'service_id', 'status', 'end_date', 'updated_at'],
  },
  deliveries: {
    path: '/deliveries',
    filters: ['state', 'client_id'],
    shown: [
      'delivery_id',
      'client_id',
      'notification_type',
      'state',
      'attempts',
      'due_at',
      'last_status',
      'last_error',
    ],
  },
  clients: {
    path: '/clients',
    filters: [],
    shown: ['client_id', 'status', 'suspended_reason', 'breaker', 'active_subscriptions', 'oldest_undelivered_at'],
  },
  'dead-letters': {
    path: '/dead-letters',
    filters: [],
    shown: ['dead_letter_id', 'topic', 'partition', 'offset', 'reason', 'created_at', 'replayed_at'],
  },
  parked: {
    path: '/parked',
    filters: [],
    shown: ['id', 'reader', 'subscription_id', 'version', 'tries', 'parked_at', 'error'],
  },
  interactions: {
    path: '/interactions',
    filters: ['state'],
    shown: ['interaction_id', 'client_id', 'state', 'created_at'],
  },
  lists: {
    path: '/lists',
    filters: [],
    shown: ['name', 'sequence', 'published_at', 'age_s', 'stale', 'last_refusal'],
  },
  projections: {
    path: '/projections',
    filters: [],
    shown: ['name', 'version', 'lag_events', 'lag_s', 'rebuild', 'parked'],
  },
  audit: {
    path: '/audit',
    filters: ['request_id', 'correlation_id'],
    shown: ['at', 'who', 'what', 'outcome', 'subscription_id', 'client_id', 'reason_text'],
  },
};

/** The lists that answer whole, without pages. */
const wholeLists = new Set(['lists', 'projections']);
const pageMax = 500;
const shownByDefault = 50;

export const list: OpsCommand = {
  takes: `${Object.keys(listings).join('|')} [--<filter> <value>]... [--limit <n>] [--json]`,
  does: `the newest ${shownByDefault}, or as many as asked for; filters are those of the API`,
  async run({ api, screen, words }) {
    const name = words[0] ?? '';
    const listing = Object.hasOwn(listings, name) ? listings[name]! : undefined;
    if (!listing) throw new UsageWrong(`There is no list "${name}".`);
    const { options, flags } = readWords(words.slice(1), {
      options: [...listing.filters, 'limit'],
      flags: ['json'],
      plainMax: 0,
    });
    const { limit: asked, ...filters } = options;
    const wanted = countOf(asked);
    const items: object[] = [];
    for (let next: string | null = ''; next !== null && items.length < wanted;) {
      const paging: { limit?: string; after?: string } = wholeLists.has(name)
        ? {}
        : { limit: String(Math.min(wanted - items.length, pageMax)), ...(next && { after: next }) };
      const page: OpsPage<object> = await api.get(listing.path, { ...filters, ...paging });
      items.push(...page.items);
      next = page.next;
    }
    if (flags.json) screen.json(items);
    else screen.table(items, listing.shown);
    return true;
  },
};

function countOf(text: string | undefined): number {
  if (text === undefined) return shownByDefault;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new UsageWrong('--limit is a number from 1 to 9999999.');
  return Number(text);
}
