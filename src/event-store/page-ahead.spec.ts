import { describe, expect, it } from '@jest/globals';
import type { LogReader } from './log.reader';
import { PageAhead } from './page-ahead';
import { type Position, startOfLog, type StoredEvent } from './stored-event';

const at = (pos: number): Position => ({ epoch: 1, xid: '1', pos: String(pos) });
const event = (pos: number) => ({ position: at(pos) }) as StoredEvent;

/** A log of so many events, and where it was read from. */
function logOf(length: number) {
  const log = { length, readFrom: [] as number[], failsFrom: Infinity };
  const page = (after: Position, limit: number) => {
    log.readFrom.push(Number(after.pos));
    if (Number(after.pos) >= log.failsFrom) return Promise.reject(new Error('away'));
    const count = Math.max(0, Math.min(limit, log.length - Number(after.pos)));
    return Promise.resolve(Array.from({ length: count }, (_, n) => event(Number(after.pos) + n + 1)));
  };
  return { log, pages: new PageAhead({ page } as unknown as LogReader, 10) };
}
const numbers = (page: StoredEvent[]) => page.map(({ position }) => Number(position.pos));
const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

describe('pages of the log read ahead', () => {
  it('come in order, each read while the one before is worked off', async () => {
    const { log, pages } = logOf(30);
    const first = await pages.page(startOfLog);
    expect([numbers(first), log.readFrom]).toEqual([from(1, 10), [0, 10]]);
    const second = await pages.page(first.at(-1)!.position);
    expect([numbers(second), log.readFrom]).toEqual([from(11, 10), [0, 10, 20]]);
  });

  it('are read again when they were not full, for they may be by now', async () => {
    const { log, pages } = logOf(13);
    const first = await pages.page(startOfLog);
    log.length = 18;
    expect(numbers(await pages.page(first.at(-1)!.position))).toEqual(from(11, 8));
  });

  it('are forgotten when the reader goes on from elsewhere', async () => {
    const { pages } = logOf(30);
    await pages.page(startOfLog);
    expect(numbers(await pages.page(at(5)))).toEqual(from(6, 10));
  });

  it('fail in their turn only', async () => {
    const { log, pages } = logOf(30);
    log.failsFrom = 10;
    const last = (await pages.page(startOfLog)).at(-1)!.position;
    await expect(pages.page(last)).rejects.toThrow('away');
    log.failsFrom = Infinity;
    expect(numbers(await pages.page(last))).toEqual(from(11, 10));
  });
});
