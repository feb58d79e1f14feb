import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/platform';
import {
  type ListPlace,
  RunningSubscriptions,
  type SubscriptionView,
  SubscriptionViewStore,
} from '../../src/projections';
import { createDatabase, type TestDatabase } from '../support/database';

const today = '2026-03-01';

describe('the running subscriptions of a group', () => {
  let database: TestDatabase;
  let db: Database;
  let running: RunningSubscriptions;
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    running = new RunningSubscriptions(db);
    const views = new SubscriptionViewStore(db);
    await views.put(0, rows, db);
    // What another version holds is not looked at.
    await views.put(1, [view({ client_id: 'other-version.example', provider: 'other', service_id: '1' })], db);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  const view = (given: Partial<SubscriptionView>): SubscriptionView => ({
    subscription_id: `${randomUUID()}.1`,
    stream_id: randomUUID(),
    client_id: 'a.example',
    provider: 'p',
    service_id: '42',
    person_id: randomUUID(),
    status: 'active',
    end_date: '2026-07-01',
    interface_version: '3.0.0',
    version: 1,
    started_at: new Date('2026-02-01T12:00:00Z'),
    updated_at: new Date('2026-02-01T12:00:00Z'),
    end_reason: null,
    suspended_by: null,
    ...given,
  });
  const ofA = Array.from({ length: 7 }, (_, nth) =>
    view({ subscription_id: `id-${nth}`, started_at: new Date(Date.UTC(2026, 1, 1 + Math.floor(nth / 3))) }),
  );
  const resting = view({ subscription_id: 'resting', status: 'suspended', service_id: '43' });
  const rows = [
    ...ofA,
    resting,
    view({ status: 'terminated' }),
    view({ status: 'expired' }),
    // Its end date has come, and nobody has noticed.
    view({ end_date: today }),
    view({ client_id: 'b.example', provider: 'p', service_id: '9' }),
    view({ client_id: 'c.example', provider: 'q', service_id: '42', status: 'terminated' }),
  ];

  async function walk<Item, Place>(
    first: Place,
    page: (after: Place) => Promise<Item[]>,
    placeOf: (item: Item) => Place,
  ) {
    const all: Item[] = [];
    for (let after = first; ;) {
      const items = await page(after);
      all.push(...items);
      if (items.length === 0) return all;
      after = placeOf(items.at(-1)!);
    }
  }

  it.each([1, 2, 500])('has groups to look up, each once, in pages of %d', async (limit) => {
    expect(
      await walk(
        '',
        (after) => running.clientIds(after, limit),
        (id) => id,
      ),
    ).toEqual(['a.example', 'b.example', 'c.example']);
    const none = { provider: '', service_id: '' };
    expect(
      await walk(
        none,
        (after) => running.services(after, limit),
        (service) => service,
      ),
    ).toEqual([
      { provider: 'p', service_id: '42' },
      { provider: 'p', service_id: '43' },
      { provider: 'p', service_id: '9' },
      { provider: 'q', service_id: '42' },
    ]);
  });

  it.each([1, 3, 500])(
    'are walked from the oldest on, each once, in pages of %d, and nothing that has ended',
    async (limit) => {
      const of = (group: Parameters<RunningSubscriptions['of']>[0], status?: 'active' | 'suspended') =>
        walk<{ subscription_id: string; place: ListPlace }, ListPlace | undefined>(
          undefined,
          (after) => running.of(group, today, after, limit, status),
          ({ place }) => place,
        ).then((items) => items.map(({ subscription_id }) => subscription_id));
      const ids = ofA.map(({ subscription_id: id }) => id);
      expect((await of({ client_id: 'a.example' })).sort()).toEqual([...ids, 'resting'].sort());
      expect(await of({ provider: 'p', service_id: '42' }, 'active')).toEqual(ids);
      expect(await of({ provider: 'p', service_id: '42' }, 'suspended')).toEqual([]);
      expect(await of({ client_id: 'a.example' }, 'suspended')).toEqual(['resting']);
      expect(await of({ client_id: 'c.example' })).toEqual([]);
    },
  );
});
