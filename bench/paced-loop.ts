import { setTimeout as pause } from 'node:timers/promises';

const tickMs = 5;

/**
 * Calls at an even pace, whatever the answers take, until `isOver`; resolves when the last one is answered.
 * @returns how many were made
 */
export async function atPace(
  perSecond: number,
  isOver: (elapsedMs: number) => boolean,
  call: () => Promise<void>,
): Promise<number> {
  const startedMs = performance.now();
  const calls: Promise<void>[] = [];
  for (;;) {
    const elapsedMs = performance.now() - startedMs;
    if (isOver(elapsedMs)) break;
    const due = Math.floor((elapsedMs / 1e3) * perSecond);
    while (calls.length < due) calls.push(call());
    await pause(tickMs);
  }
  await Promise.all(calls);
  return calls.length;
}
