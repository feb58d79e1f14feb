import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { type ListFile, listFileNames, ListFolder } from '../support/list-folder';
import { accepted, ask, type Page, scopeOf } from './walk';

interface ListItem {
  name: string;
  sequence: number | null;
  published_at: string | null;
  fetched_at: string | null;
  age_s: number | null;
  stale: boolean;
  last_refusal: { at: string; line: number | null; reason: string } | null;
}

describe('the MedMij lists', () => {
  let service: TestService;
  let lists: ListFolder;
  beforeAll(async () => {
    lists = await ListFolder.make();
    service = await TestService.start(lists.env);
  });
  afterAll(async () => {
    await service.stop();
    await lists.remove();
  });

  const listed = async (name: ListFile) => {
    const { body } = await service.get<Page<ListItem>>('/ops/api/lists');
    return body.items.find((item) => item.name === name)!;
  };
  const edit = (name: ListFile, change: (text: string) => string) => lists.edit(name, change);
  const number = (sequence: number) => (text: string) => text.replace(/<Volgnummer>\d+</, `<Volgnummer>${sequence}<`);

  it('are shown as they were loaded', async () => {
    const { status, body } = await service.get<Page<ListItem>>('/ops/api/lists');
    expect([status, body.next, body.items.map(({ name }) => name)]).toEqual([200, null, listFileNames]);
    for (const item of body.items)
      expect(item).toEqual({
        name: item.name,
        sequence: 1,
        published_at: '2026-01-01T08:00:00.000Z',
        fetched_at: expect.stringMatching(/Z$/),
        age_s: expect.any(Number),
        stale: false,
        last_refusal: null,
      });
  });

  it('take effect while the service runs, when their number is higher', async () => {
    expect((await ask(service, { scope: scopeOf(8, 'aanbiederkort') })).body.code).toBe('duration_above_maximum');
    await edit('providers', (text) => number(2)(text.replace('>7</MaximaleDuur>', '>8</MaximaleDuur>')));
    await eventually(async () => expect(await listed('providers')).toMatchObject({ sequence: 2, last_refusal: null }));
    expect((await ask(service, { scope: scopeOf(8, 'aanbiederkort') })).status).toBe(201);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'with the same number and another content',
      (text) => text.replaceAll('localhost', 'changed.example'),
      /Volgnummer/,
    ],
    [
      'with a lower number',
      (text) =>
        number(1)(text.replaceAll('localhost', 'changed.example')).replace('</OAuthclients>', '</OAuthclients >'),
      /Volgnummer/,
    ],
    ['cut off in the middle', (text) => number(9)(text).slice(0, 900), /./],
    ['with nothing in it', () => '', /./],
    ['of another namespace', (text) => number(9)(text).replace('/release3/', '/release9/'), /./],
    [
      'with a document type',
      (text) => number(9)(text).replace('<OAuthclientlist', '<!DOCTYPE a []>\n<OAuthclientlist'),
      /./,
    ],
    ['without a number', (text) => text.replace(/<Volgnummer>\d+<\/Volgnummer>/, ''), /./],
  ])('that come %s are refused, shown as refused, and the good copy stays', async (_, change, reason) => {
    const good = await lists.read('clients');
    const before = await listed('clients');
    await edit('clients', change);
    await eventually(async () => {
      const { last_refusal: refusal } = await listed('clients');
      expect(refusal).not.toEqual(before.last_refusal);
      expect(refusal).toMatchObject({ at: expect.stringMatching(/Z$/), reason: expect.stringMatching(reason) });
    });
    expect(await listed('clients')).toMatchObject({ sequence: before.sequence, stale: false });
    expect(await accepted(service)).toMatchObject({ version: 1 });
    // A publisher who mends it goes on with a higher number.
    await edit('clients', () => number(before.sequence! + 1)(good));
    await eventually(async () => expect((await listed('clients')).sequence).toBe(before.sequence! + 1));
  });

  it('that are away for too long are stale: nothing is sent, and readiness says so, until they are back', async () => {
    const { clock, dvp } = service.world;
    const file = lists.path('whitelist');
    await rename(file, `${file}.away`);
    await eventually(async () => expect((await listed('whitelist')).last_refusal).not.toBeNull());
    clock.advance(31 * 60_000);
    await eventually(async () => expect(await listed('whitelist')).toMatchObject({ stale: true, sequence: 1 }));
    const ready = await service.get<{ status: string; checks: Record<string, { status: string; reason?: string }> }>(
      '/health/ready',
    );
    expect([ready.status, ready.body.status]).toEqual([200, 'degraded']);
    expect(ready.body.checks.lists).toEqual({ status: 'degraded', reason: expect.stringContaining('whitelist') });
    const { text } = await service.send('GET', '/metrics', {});
    const [, ageS] = /^medmij_list_age_seconds\{list="whitelist"\} (\d+)/m.exec(text) ?? [];
    expect(Number(ageS)).toBeGreaterThan(30 * 60);
    await eventually(async () => {
      const { body } = await service.get<{ checks: Record<string, { status: string; reason?: string }> }>(
        '/health/ready',
      );
      expect(body.checks.delivery).toEqual({ status: 'degraded', reason: expect.stringContaining('whitelist') });
    });
    const { subscription_id: id } = await accepted(service);
    expect(dvp.of(id)).toHaveLength(0);

    await rename(`${file}.away`, file);
    await eventually(() => expect(dvp.of(id)).toHaveLength(1));
    expect(await listed('whitelist')).toMatchObject({ stale: false });
  });

  it('that were never there make the service unavailable, until they come', async () => {
    const file = lists.path('service_names');
    await rename(file, `${file}.away`);
    await service.restart();
    const answer = await ask(service);
    expect([answer.status, answer.body.code, answer.headers.has('retry-after')]).toEqual([503, 'unavailable', true]);
    const ready = await service.get<{ checks: Record<string, { status: string }> }>('/health/ready');
    expect([ready.status, ready.body.checks.lists?.status]).toEqual([503, 'unavailable']);
    expect((await service.get('/health/live')).status).toBe(200);
    expect(await listed('service_names')).toMatchObject({ sequence: null, fetched_at: null, stale: true });
    await rename(`${file}.away`, file);
    await eventually(async () => expect((await ask(service)).status).toBe(201));
  });
});
