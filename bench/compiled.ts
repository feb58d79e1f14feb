import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from '../dev/project';

const require = createRequire(__filename);
const load = (room: string): unknown => require(join(projectRoot, 'dist', room));

/** The service as it runs in production, room by room: what is measured is dist/, not a translation on the fly. */
export const compiled = {
  eventStore: load('event-store') as typeof import('../src/event-store'),
  medmijLists: load('medmij-lists') as typeof import('../src/medmij-lists'),
  persons: load('persons') as typeof import('../src/persons'),
  projections: load('projections') as typeof import('../src/projections'),
  relay: load('relay') as typeof import('../src/relay'),
  transport: load('transport') as typeof import('../src/transport'),
  platform: load('platform') as typeof import('../src/platform'),
  subscriptions: load('subscriptions') as typeof import('../src/subscriptions'),
};
