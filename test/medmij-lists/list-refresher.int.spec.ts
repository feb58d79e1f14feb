import { mkdtemp, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ListRefresher, type ListName, ListStore } from '../../src/medmij-lists';
import type { Logger } from '../../src/platform';
import { eventually } from '../support/eventually';
import { client, clientList, node, provider, providerList, serviceName, serviceNamesList, whitelist } from './list-xml';

/** What is read from files is not copied. */
const noCopies = {
  find: () => Promise.reject(new Error('asked for a copy')),
  keep: () => Promise.reject(new Error('kept a copy')),
  confirm: () => Promise.reject(new Error('confirmed a copy')),
};

let folder: string;
let elapsedS: number;
let store: ListStore;
let refresher: ListRefresher | undefined;
let lines: { level: string; message: string; fields: Record<string, unknown> }[];

const note = (level: string) => (fields: object, message: string) =>
  void lines.push({ level, message, fields: { ...fields } });
const log = { info: note('info'), warn: note('warn'), error: note('error') } as unknown as Logger;

const file = (name: string) => join(folder, `${name}.xml`);
const url = (name: string) => pathToFileURL(file(name)).href;
/** In one go, as whoever publishes a list must do it: a list read half written is refused. */
async function publish(name: string, content: Buffer): Promise<void> {
  const draft = join(folder, `${name}.draft`);
  await writeFile(draft, content);
  await rename(draft, file(name));
}
const statusOf = (name: ListName) => store.status().find((status) => status.name === name)!;
const warnings = () => lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields.reason);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medmij-lists-'));
  elapsedS = 0;
  lines = [];
  store = new ListStore({ now: () => new Date(Date.UTC(2026, 2, 1) + elapsedS * 1000) }, { localhostAllowed: true });
  await writeFile(file('providers'), providerList(provider('eerste', {})));
  await writeFile(file('clients'), clientList(client('pgo.example', {})));
  await writeFile(file('names'), serviceNamesList(serviceName('42')));
  await writeFile(file('whitelist'), whitelist(node('pgo.example')));
});

afterEach(async () => {
  await refresher?.stop();
  refresher = undefined;
  await rm(folder, { recursive: true });
});

const refresherOf = (urls: Partial<Record<'providers' | 'clients' | 'serviceNames' | 'whitelist', string>> = {}) =>
  (refresher = new ListRefresher(
    store,
    noCopies,
    {
      providers: url('providers'),
      clients: url('clients'),
      serviceNames: url('names'),
      whitelist: url('whitelist'),
      ...urls,
    },
    {},
    log,
  ));

describe('the refresher of lists', () => {
  it('loads all four at start', async () => {
    await refresherOf().start();
    expect(store.current().provider('eerste')).toBeDefined();
    expect(store.status().map(({ sequence, stale }) => [sequence, stale])).toEqual(Array(4).fill([1, false]));
    expect(lines.filter(({ message }) => message === 'list.loaded').map(({ fields }) => fields)).toContainEqual({
      list: 'providers',
      sequence: 1,
      entries: 1,
      bytes: expect.any(Number),
      durationMs: expect.any(Number),
    });
  });

  it('takes an edited file over by itself, and one that was put in its place', async () => {
    await refresherOf().start();
    // Written where it lies: it may be read half written, is refused then, and read again.
    await writeFile(file('providers'), providerList(provider('tweede', {}), { sequence: 2 }));
    await eventually(() => expect(store.current().provider('tweede')).toBeDefined());
    lines = [];
    await publish('providers', providerList(provider('derde', {}), { sequence: 3 }));
    await eventually(() => expect(store.current().provider('derde')).toBeDefined());
    expect(warnings()).toEqual([]);
  });

  it('counts a file that did not change as a successful check', async () => {
    const lists = refresherOf();
    await lists.start();
    elapsedS = 1700;
    await lists.check('whitelist');
    expect(statusOf('whitelist').age_s).toBe(0);
    // Touched, not changed: read again, and still the same list.
    await utimes(file('whitelist'), new Date(), new Date(Date.now() + 5000));
    elapsedS = 3400;
    await lists.check('whitelist');
    expect(statusOf('whitelist')).toMatchObject({ age_s: 0, sequence: 1, last_refusal: null });
  });

  it('starts without a list that cannot be read, says so once, and loads it when it comes', async () => {
    await rm(file('clients'));
    const lists = refresherOf();
    await lists.start();
    await lists.check('clients');
    expect(() => store.current()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(statusOf('clients').last_refusal?.reason).toBe('the file cannot be read (ENOENT)');
    expect(warnings()).toEqual(['the file cannot be read (ENOENT)']);
    await publish('clients', clientList(client('pgo.example', {})));
    await eventually(() => expect(store.current().client('pgo.example')).toBeDefined());
  });

  it('keeps the good copy while the file is torn, and lets it go stale', async () => {
    const lists = refresherOf();
    await lists.start();
    await publish('providers', providerList(provider('tweede', {}), { sequence: 2 }).subarray(0, 300));
    await eventually(() => expect(statusOf('providers').last_refusal?.reason).toMatch(/not well-formed/));
    elapsedS = 1801;
    await lists.check('providers');
    await lists.check('whitelist');
    expect(store.current().provider('eerste')).toBeDefined();
    expect(store.isFresh('providers')).toBe(false);
    expect(store.isFresh('whitelist')).toBe(true);
    expect(warnings()).toHaveLength(1);
    await publish('providers', providerList(provider('tweede', {}), { sequence: 2 }));
    await eventually(() => expect(store.isFresh('providers')).toBe(true));
    expect(store.current().provider('tweede')).toBeDefined();
  });

  it('refuses an older list and is well again when the present one is put back', async () => {
    const present = providerList(provider('eerste', {}), { sequence: 5 });
    await publish('providers', present);
    const lists = refresherOf();
    await lists.start();
    await publish('providers', providerList(provider('oud', {}), { sequence: 4 }));
    await lists.check('providers');
    expect(warnings()).toEqual(['Volgnummer 4 is not above 5, the one in use']);
    expect(store.current().provider('eerste')).toBeDefined();
    elapsedS = 100;
    await lists.check('providers');
    expect(statusOf('providers').age_s).toBe(100);
    await publish('providers', present);
    await lists.check('providers');
    expect(statusOf('providers')).toMatchObject({ sequence: 5, age_s: 0 });
  });

  it('is well again when a file that was away comes back as it was', async () => {
    const lists = refresherOf();
    await lists.start();
    await rename(file('whitelist'), file('away'));
    await lists.check('whitelist');
    elapsedS = 1801;
    await lists.check('whitelist');
    expect(store.isFresh('whitelist')).toBe(false);
    await rename(file('away'), file('whitelist'));
    await lists.check('whitelist');
    expect(store.isFresh('whitelist')).toBe(true);
  });

  it('never reads a folder or a file that is too big', async () => {
    await refresherOf({ providers: pathToFileURL(folder).href }).start();
    expect(statusOf('providers').last_refusal?.reason).toMatch(/cannot be read \(EISDIR\)/);
    await truncate(file('clients'), 64 * 1024 * 1024 + 1);
    await refresher!.check('clients');
    expect(statusOf('clients').last_refusal?.reason).toBe('bigger than 67108864 bytes');
    expect(statusOf('clients').sequence).toBe(1);
  });

  it('shows a bug as a failing loop and a refusal, and goes on when it is over', async () => {
    const offer = store.offer.bind(store);
    store.offer = () => Promise.reject(new TypeError('a bug'));
    await refresherOf().start();
    await eventually(() => expect(refresher!.state().every(({ lastError }) => lastError === 'a bug')).toBe(true));
    expect(statusOf('clients').last_refusal?.reason).toBe('the check failed unexpectedly');
    store.offer = offer;
    await eventually(() => expect(store.everLoaded()).toBe(true));
    await eventually(() => expect(refresher!.state().every(({ lastError }) => lastError === undefined)).toBe(true));
  });

  it('checks nothing any more once it is stopped', async () => {
    const stopped = refresherOf();
    const stoppedStore = store;
    await stopped.start();
    await stopped.stop();
    // Another one on the same files says when a check would have come.
    store = new ListStore({ now: () => new Date() }, { localhostAllowed: true });
    await refresherOf().start();
    for (const [sequence, name] of ['tweede', 'derde', 'vierde'].entries()) {
      await publish('providers', providerList(provider(name, {}), { sequence: sequence + 2 }));
      await eventually(() => expect(store.current().provider(name)).toBeDefined());
    }
    expect(stoppedStore.current().provider('eerste')).toBeDefined();
    expect(stopped.state().every(({ running }) => !running)).toBe(true);
  });

  it('says at once what it cannot read from', () => {
    expect(() => refresherOf({ whitelist: 'ftp://lists.example/whitelist.xml' })).toThrow(/not from ftp: ones/);
  });
});
