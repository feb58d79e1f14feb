import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import {
  accepted,
  amsterdamMidnight,
  isReady,
  itemOf,
  type Page,
  type Problem,
  resumeClient,
  scopeOf,
  suspend,
  suspendClient,
} from './walk';

type Item = Record<string, unknown> & { subscription_id: string };

describe('subscriptions as they stood at a moment', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterAll(() => service.stop());

  const ask = (query: string) => service.get<Page<Item> & Problem>(`/ops/api/subscriptions/as-of?${query}`);
  async function asOf(at: Date, more = ''): Promise<Item[]> {
    const answer = await ask(`at=${encodeURIComponent(at.toISOString())}&${more}`);
    expect(answer.status).toBe(200);
    return answer.body.items;
  }
  /** The moment now, and then a minute goes by. */
  function moment(): Date {
    const now = service.world.clock.now();
    service.world.clock.advance(60_000);
    return now;
  }

  it('are found by what had happened by then, as the list would have shown them', async () => {
    const subject = somePerson();
    const before = moment();
    const first = await accepted(service, { subject, scope: scopeOf(10) });
    const { person_id: personId } = await itemOf(service, first.subscription_id, first.position);
    const of = `person_id=${String(personId)}`;
    const listed = async () => (await service.get<Page<Item>>(`/ops/api/subscriptions?${of}`)).body.items;
    const seen: [at: Date, items: Item[]][] = [];
    const look = async (position?: string) => {
      await itemOf(service, first.subscription_id, position);
      seen.push([service.world.clock.now(), await listed()]);
      moment();
    };
    await look(first.position);
    await look((await accepted(service, { subject, scope: scopeOf(5) })).position);
    await suspend(service, first.subscription_id, 'operator');
    await look();
    await look((await accepted(service, { subject, scope: scopeOf(0) })).position);
    const again = await accepted(service, { subject, scope: scopeOf(7) });
    await look(again.position);

    expect(await asOf(before, of)).toEqual([]);
    for (const [at, items] of seen) expect(await asOf(at, of)).toEqual(items);
    expect(seen.map(([, items]) => items.map(({ status }) => status))).toEqual([
      ['active'],
      ['active'],
      ['suspended'],
      ['terminated'],
      ['active', 'terminated'],
    ]);
    const [, suspended] = seen[2]!;
    expect(suspended[0]).toMatchObject({ suspended_by: 'operator', version: 3 });
    expect(await asOf(seen[4]![0], `${of}&status=terminated`)).toEqual([seen[4]![1][1]]);
    expect(await asOf(seen[2]![0], `${of}&status=active`)).toEqual([]);
  });

  it('had lapsed when their day had come, and were suspended with their client, whatever is so now', async () => {
    const { clock } = service.world;
    const subject = somePerson();
    const standing = await accepted(service, { subject, scope: scopeOf(1) });
    const { person_id: personId } = await itemOf(service, standing.subscription_id, standing.position);
    const of = `person_id=${String(personId)}`;
    const running = moment();
    await suspendClient(service);
    const suspended = moment();
    await resumeClient(service);
    const resumed = moment();
    const midnight = amsterdamMidnight(standing.end_date);
    clock.set(new Date(midnight.getTime() + 1_000));

    const how = async (at: Date) => {
      const [item] = await asOf(at, of);
      return [item!.status, item!.suspended_by, item!.end_reason];
    };
    expect(await how(running)).toEqual(['active', null, null]);
    expect(await how(suspended)).toEqual(['suspended', 'client', null]);
    expect(await how(resumed)).toEqual(['active', null, null]);
    expect(await how(new Date(midnight.getTime() - 1))).toEqual(['active', null, null]);
    expect(await how(midnight)).toEqual(['expired', null, 'expired']);
  });

  it('come in pages, newest first, filters among them', async () => {
    const provider = 'anderezorgaanbieder';
    const ids: string[] = [];
    let last: string | undefined;
    for (let one = 0; one < 5; one += 1) {
      const standing = await accepted(service, { subject: somePerson(), scope: scopeOf(30, provider, '43') });
      ids.unshift(standing.subscription_id);
      last = standing.position;
      moment();
    }
    const at = encodeURIComponent(service.world.clock.now().toISOString());
    const walked: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const more: string = next === '' ? '' : `&after=${next}`;
      const { body } = await ask(`at=${at}&provider=${provider}&status=active&limit=2&wait_for=${last}${more}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      walked.push(...body.items.map(({ subscription_id: id }) => id));
      next = body.next;
    }
    expect(walked).toEqual(ids);
  });

  it.each([
    ['no moment', ''],
    ['a moment to come', 'at=2999-01-01T00:00:00Z'],
    ['one without a zone', 'at=2026-01-01T00:00:00'],
    ['one before computers', 'at=1969-12-31T23:59:59Z'],
    ['no moment at all', 'at=yesterday'],
    ['a cursor of nobody', 'at=2026-01-01T00:00:00Z&after=abc'],
  ])('are not told for %s', async (_, query) => {
    expect(await ask(query)).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  });
});
