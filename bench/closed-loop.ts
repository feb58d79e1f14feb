/** What a load did: how fast, and how long each piece took. */
export interface Load {
  readonly perSecond: number;
  readonly latenciesMs: number[];
}

/** So many callers at once, each of whom waits for its answer before it asks again, for so long. */
export async function closedLoop(
  inFlight: number,
  seconds: number,
  once: (caller: number) => Promise<unknown>,
): Promise<Load> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1e3;
  await Promise.all(
    Array.from({ length: inFlight }, async (_, caller) => {
      for (let askedMs = performance.now(); askedMs < endMs;) {
        await once(caller);
        const answeredMs = performance.now();
        latenciesMs.push(answeredMs - askedMs);
        askedMs = answeredMs;
      }
    }),
  );
  return { perSecond: (latenciesMs.length / (performance.now() - startedMs)) * 1e3, latenciesMs };
}
