/**
 * Imports follow the data: room -> the rooms whose door it may open. Nothing is implied; what is not named is forbidden.
 * A new edge is one word here, and a decision the reviewer sees.
 */
const mayImport = {
  // Where requests and moments come in.
  intake: [
    'authorization-checks',
    'subscriptions',
    'medmij-lists',
    'persons',
    'event-store',
    'incoming-records',
    'transport',
    'http',
    'refusals',
    'platform',
  ],
  'incoming-records': ['persons', 'event-store', 'transport', 'refusals', 'platform'],
  'subscription-interface': ['clients', 'grants', 'subscriptions', 'persons', 'http', 'refusals', 'platform'],
  authorization: [
    'clients',
    'authorization-checks',
    'availability',
    'subscriptions',
    'medmij-lists',
    'persons',
    'sign-in',
    'screens',
    'grants',
    'http',
    'refusals',
    'platform',
  ],
  'my-subscriptions': [
    'subscriptions',
    'projections',
    'medmij-lists',
    'persons',
    'sign-in',
    'screens',
    'http',
    'refusals',
    'platform',
  ],
  'sign-in': ['persons', 'screens', 'http', 'refusals', 'platform'],
  'error-pages': ['screens', 'http', 'refusals', 'platform'],
  expiry: ['subscriptions', 'event-store', 'platform'],
  ops: [
    'incoming-records',
    'clients',
    'authorization',
    'subscriptions',
    'projections',
    'notifications',
    'medmij-lists',
    'persons',
    'relay',
    'transport',
    'event-store',
    'http',
    'refusals',
    'platform',
  ],

  // What follows the log.
  relay: ['clients', 'subscriptions', 'event-store', 'transport', 'platform'],
  projections: ['clients', 'subscriptions', 'event-store', 'http', 'refusals', 'platform'],
  notifications: [
    'client-connections',
    'clients',
    'subscriptions',
    'event-store',
    'medmij-lists',
    'persons',
    'transport',
    'http',
    'refusals',
    'platform',
  ],

  // What decides and remembers.
  grants: ['authorization-checks', 'clients', 'medmij-lists', 'persons', 'http', 'refusals', 'platform'],
  availability: ['persons', 'platform'],
  'authorization-checks': ['subscriptions', 'medmij-lists', 'refusals'],
  clients: ['event-store', 'refusals', 'platform'],
  subscriptions: ['clients', 'persons', 'event-store', 'refusals', 'platform'],
  persons: ['event-store', 'refusals', 'platform'],
  'client-connections': ['medmij-lists', 'refusals', 'platform'],
  'medmij-lists': ['refusals', 'platform'],
  'event-store': ['refusals', 'platform'],
  transport: ['refusals', 'platform'],

  // What others read about us.
  'api-docs': ['clients', 'intake', 'subscriptions', 'transport', 'http', 'refusals', 'platform'],

  // What every edge needs.
  health: [
    'projections',
    'notifications',
    'relay',
    'medmij-lists',
    'event-store',
    'transport',
    'http',
    'refusals',
    'platform',
  ],
  screens: ['http', 'refusals', 'platform'],
  http: ['refusals', 'platform'],
  platform: [],
  refusals: [],
};

module.exports = { mayImport };
