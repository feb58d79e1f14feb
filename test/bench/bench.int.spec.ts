import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Result } from '../../bench/results';

const projectRoot = resolve(__dirname, '../..');

interface Ended {
  code: number | null;
  output: string;
}

/** On the servers of this test run; a tiny load, so that nothing is said about speed. */
const bench = (...args: string[]) =>
  new Promise<Ended>((done) => {
    const child = execFile(
      process.execPath,
      [join(projectRoot, 'dev/run.mjs'), 'bench', ...args],
      { cwd: projectRoot },
      (_, stdout, stderr) => done({ code: child.exitCode, output: stdout + stderr }),
    );
  });

describe('npm run bench', () => {
  let out: string;
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'medmij-bench-'));
  });
  afterAll(() => rm(out, { recursive: true, force: true }));

  it('measures beside a raw bound, checks what it made, and leaves a result', async () => {
    const { code, output } = await bench('append', '--seconds', '0.1', '--rounds', '1', '--out', out);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('nothing wrong') });
    const result = JSON.parse(await readFile(join(out, 'append.json'), 'utf8')) as Result;
    expect(result).toMatchObject({
      name: 'append',
      machine: { cores: expect.any(Number), postgres: expect.any(String), fdatasyncMs: expect.any(Number) },
      options: { seconds: 0.1, rounds: 1 },
      usage: { cores: expect.any(Number), rssPeakMiB: expect.any(Number) },
      faults: [],
    });
    expect(result.checked.seen).toBeGreaterThan(0);
    expect(result.checked.seen).toBe(result.checked.committed);
    for (const measurement of result.measurements.filter(({ bound }) => bound)) {
      expect(measurement).toMatchObject({
        value: expect.any(Number),
        ratio: expect.any(Number),
        latencyMs: { p50: expect.any(Number), p99: expect.any(Number), p99_9: expect.any(Number) },
        bound: { name: expect.any(String), value: expect.any(Number) },
      });
    }
    expect(result.goals.map(({ relation, limit }) => `${relation} ${limit}`)).toEqual(['at least 0.75', 'at most 2']);
  }, 120_000);

  it('names the benchmarks there are when it is asked for another', async () => {
    const { code, output } = await bench('apend');
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(/no benchmark apend[\s\S]*npm run bench -- \[append/),
    });
  });
});
