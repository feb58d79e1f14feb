/** Looks again until the expectation holds or the time is up, and then fails as the last look did. Never sleep in a test. */
export async function eventually<Result>(look: () => Result | Promise<Result>, withinMs = 45_000): Promise<Result> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() >= end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
