import type { StoredEvent } from '../src/event-store';
import type { SubscriptionEvent } from '../src/subscriptions';
import { type LogCheck, type Marked } from '../test/event-store/log-check';
import { compiled } from './compiled';
import { markOf } from './person-life';

const pageSize = 2_000;

/** A whole log in its order. */
export async function* readPages(databaseUrl: string): AsyncGenerator<StoredEvent<SubscriptionEvent>[]> {
  const database = await compiled.platform.Database.connect(databaseUrl);
  try {
    const reader = new compiled.eventStore.LogReader(database, 'main');
    let after = { epoch: 0, xid: '0', pos: '0' };
    for (;;) {
      const page = await reader.page(after, pageSize);
      const last = page.at(-1);
      if (!last) return;
      yield page.filter(compiled.subscriptions.isSubscriptionEvent);
      after = last.position;
    }
  } finally {
    await database.close();
  }
}

/** Reads a whole log into the check of what a reader may rely on: all of it, once, every stream in order. */
export async function checkLog(databaseUrl: string, check: LogCheck): Promise<void> {
  for await (const page of readPages(databaseUrl)) check.see(page.map(asMarked));
}

function asMarked({ data, ...event }: StoredEvent<SubscriptionEvent>): StoredEvent<Marked> {
  return { ...event, type: 'marked', data: { mark: markOf(data.authorization_id ?? '') } };
}
