/** A timer may be this early or late; what is left to the end of the step is waited for turn by turn of the event loop. */
const timerPrecisionMs = 2;

/**
 * Waits for the end of the first step that is not over yet, steps of `stepMs` being counted from `startMs` (as `performance.now()`
 * gives it). What was done since shows only when it took a whole step longer; not even the fraction of a millisecond that a
 * timer would round off is left of it.
 */
export async function stepEnd(startMs: number, stepMs: number): Promise<void> {
  const endMs = startMs + Math.ceil((performance.now() - startMs) / stepMs) * stepMs;
  await new Promise((resolve) => setTimeout(resolve, endMs - performance.now() - timerPrecisionMs));
  while (performance.now() < endMs) await new Promise((resolve) => setImmediate(resolve));
}
