import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';

interface Linted {
  filePath: string;
  messages: { ruleId: string | null; message: string; line: number }[];
}

const root = resolve(__dirname, '../..');
const house = join(__dirname, 'violations/lint');

/** ESLint over the sample house, with our configuration. Its exit code is 1 by design, so only the report counts. */
const lint = () =>
  new Promise<Linted[]>((done, failed) => {
    const eslint = join(root, 'node_modules/eslint/bin/eslint.js');
    const options = ['--config', join(root, 'eslint.config.mjs'), '--format', 'json', 'src'];
    execFile(
      process.execPath,
      [eslint, ...options],
      { cwd: house, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (stdout.startsWith('[')) done(JSON.parse(stdout) as Linted[]);
        else failed(new Error(`eslint said nothing we can read: ${stderr}`, { cause: error }));
      },
    );
  });

const lineOf = (line: number, rule: string | null) => `line ${line}: ${rule ?? 'not parsed'}`;

describe('the lint rules', () => {
  let linted: Linted[];

  beforeAll(async () => {
    linted = await lint();
  }, 120_000);

  it.each([
    ['the clock guard and the purity guard in rules', 'src/subscriptions/subscription.decider.ts'],
    ['the clock guard elsewhere, where chance and stopwatches are fine', 'src/notifications/delivery.worker.ts'],
    ['the one clock, which may ask the machine but not the environment', 'src/platform/clock.ts'],
    ['the environment guard, and no console', 'src/relay/relay.worker.ts'],
    ['the environment guard in the configuration too, which is handed it', 'src/config/index.ts'],
    ['the start of a process, which hands the environment over', 'src/main.ts'],
    ['promises and any; a constructor import stays an import', 'src/intake/authorizations.controller.ts'],
    ['type imports and forgotten cases', 'src/intake/mapping.ts'],
  ])('bite: %s', async (_, file) => {
    const lines = (await readFile(join(house, file), 'utf8')).split('\n');
    const expected = lines.flatMap((line, index) => {
      const rule = /\/\/ reported by (\S+)$/.exec(line)?.[1];
      return rule ? [lineOf(index + 1, rule)] : [];
    });
    const reported = linted.find(({ filePath }) => relative(house, filePath) === file)!.messages;
    expect([...new Set(reported.map(({ line, ruleId }) => lineOf(line, ruleId)))]).toEqual(expected);
  });
});
