import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  client,
  clientList,
  node,
  provider,
  providerList,
  serviceName,
  serviceNamesList,
  whitelist,
} from '../../test/medmij-lists/list-xml';
import { Refused } from '../refusals';
import { type ListName, listNames, listStaleAfterS, ListStore } from './list.store';

const start = Date.parse('2026-03-01T12:00:00Z');
let elapsedS: number;
let store: ListStore;

beforeEach(() => {
  elapsedS = 0;
  store = new ListStore({ now: () => new Date(start + elapsedS * 1000) }, { localhostAllowed: true });
});

const statusOf = (name: ListName) => store.status().find((status) => status.name === name)!;
const providers = (sequence: number, ...names: string[]) =>
  providerList(names.map((name) => provider(name, {})).join(''), { sequence });

async function loadAll() {
  await store.offer('providers', providers(5, 'eerste'));
  await store.offer('clients', clientList(client('pgo.example', { resource: null }, { id: '43' })));
  await store.offer('service_names', serviceNamesList(serviceName('42')));
  await store.offer('whitelist', whitelist(node('PGO.example')));
}

describe('the store of lists', () => {
  it('has no answer while a list was never loaded', async () => {
    await store.offer('providers', providers(5, 'eerste'));
    expect(() => store.current()).toThrow(expect.objectContaining({ name: 'Refused', code: 'unavailable' }));
    expect(() => store.current()).toThrow(Refused);
    expect(store.everLoaded()).toBe(false);
    expect(store.status().map(({ name }) => name)).toEqual(listNames);
    expect(statusOf('clients')).toEqual({
      name: 'clients',
      sequence: null,
      published_at: null,
      fetched_at: null,
      age_s: null,
      stale: true,
      last_refusal: null,
    });
  });

  it('answers the questions of the other rooms', async () => {
    await loadAll();
    const lists = store.current();
    expect(store.everLoaded()).toBe(true);
    expect(lists.client('pgo.example')?.organisationName).toBe('De PGO');
    expect(lists.client('PGO.example')).toBeUndefined();
    expect([...lists.clients()].map(({ clientId }) => clientId)).toEqual(['pgo.example']);
    expect(['42', '43', '44', 'toString'].map((id) => lists.clientsOf(id))).toEqual([
      ['pgo.example'],
      ['pgo.example'],
      [],
      [],
    ]);
    expect(lists.serviceName('42')).toBe('Verzamelen Huisartsgegevens');
    expect(lists.serviceName('toString')).toBeUndefined();
    expect(lists.provider('eerste')?.name).toBe('eerste');
    expect(lists.provider('eerste@medmij')).toBeUndefined();
    expect(lists.notificationEndpoints('pgo.example', '3.0.0', '42')).toEqual({
      subscription: 'https://pgo.example/subscriptions',
    });
    expect(lists.notificationEndpoints('pgo.example', '3.0.0', '44')).toBeUndefined();
    expect(lists.notificationEndpoints('pgo.example', '2.0.0', '42')).toBeUndefined();
    expect(lists.offering('eerste', '3.0.0', '42')?.subscriptions?.maximumDays).toBe(365);
    expect(lists.offering('eerste', '3.0.0', '43')).toBeUndefined();
    expect(lists.isWhitelisted('pgo.EXAMPLE')).toBe(true);
    expect(lists.isWhitelisted('example')).toBe(false);
  });

  it('takes a newer list over whole, and leaves what was handed out before as it was', async () => {
    await loadAll();
    const before = store.current();
    elapsedS = 60;
    expect(await store.offer('providers', providers(6, 'tweede', 'derde'))).toEqual({
      outcome: 'replaced',
      sequence: 6,
      entries: 2,
    });
    expect(store.current().provider('eerste')).toBeUndefined();
    expect(store.current().provider('tweede')).toBeDefined();
    expect(before.provider('eerste')).toBeDefined();
    expect(before.provider('tweede')).toBeUndefined();
    expect(statusOf('providers')).toEqual({
      name: 'providers',
      sequence: 6,
      published_at: '2026-01-01T08:00:00.000Z',
      fetched_at: '2026-03-01T12:01:00.000Z',
      age_s: 0,
      stale: false,
      last_refusal: null,
    });
  });

  it.each([
    ['lower', 4],
    ['equal', 5],
  ])('never replaces a list by one with a %s Volgnummer', async (_, sequence) => {
    await loadAll();
    elapsedS = 60;
    const offered = await store.offer('providers', providers(sequence, 'tweede'));
    expect(offered).toMatchObject({ outcome: 'refused', refusal: { line: null } });
    expect(store.current().provider('eerste')).toBeDefined();
    expect(store.current().provider('tweede')).toBeUndefined();
    expect(statusOf('providers')).toMatchObject({
      sequence: 5,
      fetched_at: '2026-03-01T12:00:00.000Z',
      age_s: 60,
      last_refusal: {
        at: '2026-03-01T12:01:00.000Z',
        line: null,
        reason: `Volgnummer ${sequence} is not above 5, the one in use`,
      },
    });
  });

  it('takes the newer of two that are offered at once, whichever is parsed first', async () => {
    const older = providers(7, 'ouder');
    const newer = providers(8, 'nieuwer');
    await loadAll();
    await Promise.all([store.offer('providers', newer), store.offer('providers', older)]);
    expect(store.current().provider('nieuwer')).toBeDefined();
    await Promise.all([
      store.offer('providers', providers(9, 'ouder')),
      store.offer('providers', providers(10, 'nieuwst')),
    ]);
    expect(store.current().provider('nieuwst')).toBeDefined();
  });

  it('counts the very same document as a successful check', async () => {
    await loadAll();
    elapsedS = 900;
    expect(await store.offer('providers', providers(5, 'eerste'))).toEqual({ outcome: 'unchanged' });
    expect(statusOf('providers')).toMatchObject({ age_s: 0, last_refusal: null });
  });

  it('keeps the last good copy when a document is refused, and says where and why', async () => {
    await loadAll();
    elapsedS = 30;
    const offered = await store.offer(
      'clients',
      clientList(`${client('a.example')}\n${client('a.example')}`, { sequence: 9 }),
    );
    expect(offered).toMatchObject({ outcome: 'refused' });
    expect(store.current().client('pgo.example')).toBeDefined();
    expect(statusOf('clients').last_refusal).toEqual({
      at: '2026-03-01T12:00:30.000Z',
      line: expect.any(Number),
      reason: '"a.example" is listed twice',
    });
    expect(statusOf('providers').last_refusal).toBeNull();
  });

  it('goes stale when two checks in a row could have succeeded and did not', async () => {
    await loadAll();
    elapsedS = listStaleAfterS;
    expect(store.isFresh('whitelist')).toBe(true);
    elapsedS += 1;
    expect(store.isFresh('whitelist')).toBe(false);
    expect(statusOf('whitelist')).toMatchObject({ stale: true, age_s: 1801 });
    store.confirm('whitelist');
    expect(store.isFresh('whitelist')).toBe(true);
    expect(store.isFresh('providers')).toBe(false);
  });

  it('does not become fresh by finding the refused document again', async () => {
    await loadAll();
    elapsedS = 100;
    store.refuse('whitelist', { line: 3, reason: 'torn' });
    store.confirm('whitelist');
    expect(statusOf('whitelist')).toMatchObject({ age_s: 100, last_refusal: { line: 3, reason: 'torn' } });
    expect(await store.offer('whitelist', whitelist(node('PGO.example')))).toEqual({ outcome: 'unchanged' });
    store.confirm('whitelist');
    expect(statusOf('whitelist').age_s).toBe(0);
  });

  it('is never younger than new when the clock is set back', async () => {
    await loadAll();
    elapsedS = -3600;
    expect(statusOf('providers')).toMatchObject({ age_s: 0, stale: false });
  });
});
