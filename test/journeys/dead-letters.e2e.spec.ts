import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeadLetterStore } from '../../src/incoming-records/dead-letter.store';
import { Database } from '../../src/platform';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { binary, type Sent } from './records';
import { accepted, isReady, type Page, type Problem, recorded, rowsOf, scopeOf } from './walk';

const incoming = 'medmij.authorizations.v1';
const letters = '/ops/api/dead-letters';
const dayMs = 86_400_000;

interface DeadLetter {
  dead_letter_id: string;
  topic: string;
  partition: number;
  offset: string;
  reason: string;
  detail: string;
  created_at: string;
  replayed_at: string | null;
}

describe('the dead letters', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1', incoming, 'medmij.dead-letters.v1');
  });
  afterAll(() => service.stop());

  const send = (...records: Sent[]) => service.world.otherSide.send(incoming, ...records);
  const list = async (query = '') => (await service.get<Page<DeadLetter>>(`${letters}${query}`)).body;
  const replay = (id: string) => service.post<DeadLetter & Problem>(`${letters}/${id}/replay`, undefined, 'ops:write');
  const seenOn = (topic: string, key: string) =>
    service.world.otherSide.seen.filter((record) => record.topic === topic && record.key === key);
  /** The dead letters of a record that was sent, oldest first, once there are `count`. */
  const lettersOf = ({ key }: Sent, count = 1) =>
    eventually(async () => {
      const places = seenOn(incoming, key!).map(({ partition, offset }) => `${partition} ${offset}`);
      const { items } = await list('?limit=500');
      const found = items.filter(({ partition, offset }) => places.includes(`${partition} ${offset}`));
      expect(found).toHaveLength(count);
      return found.reverse();
    });

  it('are replayed: a request that came before the one it builds on takes effect after it', async () => {
    const subject = somePerson();
    const now = service.world.clock.now();
    const begin = authorizedRequest({ subject, authorized_at: new Date(now.getTime() - 30_000).toISOString() });
    const end = authorizedRequest({ subject, scope: scopeOf(0), authorized_at: now.toISOString() });
    const tooEarly = binary(end);
    await send(tooEarly);
    const [letter] = await lettersOf(tooEarly);
    expect(letter).toEqual({
      dead_letter_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      topic: incoming,
      partition: expect.any(Number),
      offset: expect.stringMatching(/^\d+$/),
      reason: 'not_subscribed',
      detail: expect.stringMatching(/subscription/),
      created_at: expect.any(String),
      replayed_at: null,
    });

    await eventually(async () => {
      const { text } = await service.send('GET', '/metrics', {});
      expect(text).toContain(`medmij_intake_records_total{topic="${incoming}",outcome="dead_letter"} 1\n`);
    });

    await accepted(service, begin);
    const answer = await replay(letter!.dead_letter_id);
    expect([answer.status, answer.body]).toEqual([202, { ...letter, replayed_at: expect.any(String) }]);
    expect(await lettersOf(tooEarly)).toEqual([answer.body]);
    await eventually(() =>
      expect(
        service.world.otherSide.seen.filter(({ value }) => value?.includes(end.authorization_id)).map((it) => it.topic),
      ).toContain('medmij.subscriptions.v1'),
    );
    const [again] = seenOn(incoming, tooEarly.key!).slice(1);
    expect([again!.value, again!.headers]).toEqual([tooEarly.value, tooEarly.headers]);
    expect(service.world.logLines.filter((line) => line.includes('dead_letter.replay'))).toHaveLength(1);
  });

  it('take nothing twice: a replay of what was replayed already changes nothing', async () => {
    const [{ dead_letter_id: id }] = (await list()).items as [DeadLetter];
    const before = await recorded(service);
    expect((await replay(id)).status).toBe(202);
    const behind = binary(authorizedRequest({ authorization_id: '' }));
    await send(behind);
    await lettersOf(behind);
    expect(await recorded(service)).toEqual(before);
  });

  it('get a new one when a replayed record is refused again', async () => {
    const bad = binary(authorizedRequest({ client_id: 'unknown-client.example' }));
    await send(bad);
    const [first] = await lettersOf(bad);
    await replay(first!.dead_letter_id);
    const [, second] = await lettersOf(bad, 2);
    expect(second).toMatchObject({ reason: 'unknown_client', replayed_at: null });
    expect(second!.dead_letter_id).not.toBe(first!.dead_letter_id);
  });

  it('are listed newest first, in pages, and say nothing of a person', async () => {
    const subject = somePerson();
    const sent = [1, 2, 3].map(() => binary(authorizedRequest({ subject, scope: subject })));
    for (const record of sent) {
      await send(record);
      await lettersOf(record);
    }
    const pages: DeadLetter[][] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: Page<DeadLetter> = await list(`?limit=2${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`);
      pages.push(page.items);
      next = page.next;
    }
    const all = pages.flat();
    expect(all).toEqual((await list('?limit=500')).items);
    expect(all.map(({ created_at: at }) => at)).toEqual(
      all
        .map(({ created_at: at }) => at)
        .sort()
        .reverse(),
    );
    expect(JSON.stringify(all)).not.toContain(subject);
    const rows = await rowsOf<{ text: string }>(service, 'select dead_letter::text as text from dead_letter');
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) {
      expect(text).not.toContain(subject);
      expect(text).not.toContain(Buffer.from(subject).toString('hex'));
      expect(text).not.toContain(Buffer.from(subject).toString('base64').slice(0, 20));
    }
  });

  it('cannot be replayed when they were cut, and say so', async () => {
    const big = { ...binary({}), key: randomUUID(), headers: { padding: 'x'.repeat(910_000) } };
    await send(big);
    const [letter] = await lettersOf(big);
    const answer = await replay(letter!.dead_letter_id);
    expect([answer.status, answer.body.code]).toEqual([409, 'not_retryable']);
    expect(seenOn(incoming, big.key)).toHaveLength(1);
  });

  it('are gone after seven days', async () => {
    const [{ dead_letter_id: id }] = (await list()).items as [DeadLetter];
    const seven = 7 * dayMs;
    service.world.clock.advance(seven);
    expect((await list()).items).toEqual([]);
    expect((await replay(id)).status).toBe(404);
    const database = await Database.connect(service.world.database.url);
    try {
      const store = new DeadLetterStore(database);
      const [{ count }] = (await rowsOf<{ count: number }>(service, 'select count(*)::integer from dead_letter')) as [
        { count: number },
      ];
      const since = new Date(service.world.clock.now().getTime() - seven);
      expect([await store.forget(since, 2), await store.forget(since, 500)]).toEqual([2, count - 2]);
    } finally {
      await database.close();
      service.world.clock.advance(-seven);
    }
  });

  it('and a database that was set back to an older copy gets from the topic what it has lost', async () => {
    const requests = Array.from({ length: 30 }, () => authorizedRequest());
    await send(...requests.map((request) => binary(request)));
    const known = () =>
      rowsOf<{ key: string }>(service, 'select key from command').then((rows) => rows.map(({ key }) => key));
    const keys = requests.map(({ authorization_id: id }) => `authorization:${id}`);
    await eventually(async () => expect(await known()).toEqual(expect.arrayContaining(keys)));
    const [copy, present] = [await createDatabase(), service.world.database];
    try {
      await service.restart({ DATABASE_URL: copy.url });
      service.world.database = copy;
      await eventually(async () => expect(await known()).toEqual(expect.arrayContaining(keys)));
    } finally {
      await service.restart({ DATABASE_URL: present.url });
      service.world.database = present;
      await copy.drop();
    }
  });
});
