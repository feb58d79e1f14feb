import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimDataDirectory } from './instance';

describe('a data directory', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'instance-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('is for one npm start at a time', () => {
    const release = claimDataDirectory(dataDir);
    expect(() => claimDataDirectory(dataDir)).toThrow(/^npm start already runs with the data in .* DATA_DIR/);
    release();
    claimDataDirectory(dataDir)();
  });

  it('is free again when its holder was killed, whoever has the process id now', () => {
    claimDataDirectory(dataDir);
    writeFileSync(join(dataDir, 'run/start.json'), JSON.stringify({ pid: process.pid, startedAt: 'another time' }));
    expect(() => claimDataDirectory(dataDir)).not.toThrow();
  });
});
