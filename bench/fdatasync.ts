import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './latency';

const writes = 200;
const blockBytes = 8_192;

/** Milliseconds that one fdatasync of a written block takes: what every commit waits for at least. */
export function fdatasyncCostMs(): number {
  const folder = mkdtempSync(join(tmpdir(), 'medmij-fdatasync-'));
  const file = openSync(join(folder, 'block'), 'w');
  try {
    const costs = Array.from({ length: writes }, (_, index) => {
      writeSync(file, Buffer.alloc(blockBytes, index), 0, blockBytes, 0);
      const startedMs = performance.now();
      fdatasyncSync(file);
      return performance.now() - startedMs;
    });
    return median(costs);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
