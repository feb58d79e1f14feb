import { Stopped } from './problem';

/**
 * Runs tasks at once. When one fails the others are asked to stop, for nobody wants to wait for what is of no use any more, and
 * all have ended before this does.
 * @throws what the first to fail threw
 */
export async function together(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map((task) =>
      task(either).catch((error: unknown) => {
        failures.push(error);
        failing.abort();
      }),
    ),
  );
  // Who was stopped because of another has nothing to tell.
  if (failures.length > 0) throw failures.find((failure) => !(failure instanceof Stopped)) ?? failures[0];
}
