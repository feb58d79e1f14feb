import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

interface Installer {
  nodeProblem(version: string): string | undefined;
  packagesMatch(root: string): boolean;
  ensureInstalled(root: string, install: (root: string) => Promise<void>): Promise<void>;
}

const installerUrl = pathToFileURL(join(__dirname, 'install.mjs')).href;
const installer = () => import(installerUrl) as Promise<Installer>;

const wanted = {
  '': {},
  'node_modules/a': { version: '1.0.0' },
  'node_modules/b': { version: '2.0.0', optional: true },
};
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'install-'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }));
});
afterEach(() => rmSync(root, { recursive: true }));

function present(packages: Record<string, { version: string }>): void {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
}

describe('the Node version', () => {
  it('is refused with one sentence when it is too old', async () => {
    const { nodeProblem } = await installer();
    expect(nodeProblem('18.20.0')).toMatch(/^Node 20\.19 or newer is needed and this is 18\.20\.0/);
    expect(nodeProblem('20.18.3')).toBeDefined();
  });

  it('is accepted from 20.19 on', async () => {
    const { nodeProblem } = await installer();
    for (const version of ['20.19.0', '21.0.0', '24.1.0']) expect(nodeProblem(version)).toBeUndefined();
  });
});

describe('the packages', () => {
  it('match with every version as locked, optional ones of other platforms left out', async () => {
    present({ 'node_modules/a': { version: '1.0.0' } });
    expect((await installer()).packagesMatch(root)).toBe(true);
  });

  it('do not match when one is missing, of another version, or no longer wanted, or after an install broken off', async () => {
    const { packagesMatch } = await installer();
    expect(packagesMatch(root)).toBe(false);
    present({});
    expect(packagesMatch(root)).toBe(false);
    present({ 'node_modules/a': { version: '1.0.1' } });
    expect(packagesMatch(root)).toBe(false);
    present({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } });
    expect(packagesMatch(root)).toBe(false);
  });

  it('are installed once by two processes that start together', async () => {
    const log = join(root, 'log');
    const script = `
      const { ensureInstalled } = await import(${JSON.stringify(installerUrl)});
      const { appendFileSync, mkdirSync, writeFileSync } = await import('node:fs');
      await ensureInstalled(${JSON.stringify(root)}, async (root) => {
        appendFileSync(${JSON.stringify(log)}, 'installed\\n');
        await new Promise((wake) => setTimeout(wake, 700));
        mkdirSync(root + '/node_modules', { recursive: true });
        writeFileSync(root + '/node_modules/.package-lock.json', '{"packages":{"node_modules/a":{"version":"1.0.0"}}}');
      });`;
    const run = () =>
      new Promise<number | null>((ended) => {
        spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' }).once('exit', ended);
      });
    expect(await Promise.all([run(), run()])).toEqual([0, 0]);
    expect(readFileSync(log, 'utf8')).toBe('installed\n');
    expect(existsSync(join(root, '.data/install.lock'))).toBe(false);
  });

  it('are installed past a lock whose owner was killed', async () => {
    const lock = join(root, '.data/install.lock');
    mkdirSync(lock, { recursive: true });
    writeFileSync(join(lock, 'owner.json'), JSON.stringify({ pids: [2 ** 22 + 1] }));
    let installed = false;
    await (await installer()).ensureInstalled(root, () => Promise.resolve(void (installed = true)));
    expect(installed).toBe(true);
  });

  it('are installed past a lock nobody touched for long, whoever has its process id now', async () => {
    const lock = join(root, '.data/install.lock');
    mkdirSync(lock, { recursive: true });
    writeFileSync(join(lock, 'owner.json'), JSON.stringify({ pids: [process.pid] }));
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(lock, longAgo, longAgo);
    let installed = false;
    await (await installer()).ensureInstalled(root, () => Promise.resolve(void (installed = true)));
    expect(installed).toBe(true);
  });
});
