/**
 * Given when the person at the keyboard, the system or the end of the terminal asks us to stop. npm hands Ctrl-C on although
 * the terminal has sent it to us as well, so a second one means nothing.
 */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
  // A closed terminal must not keep us from stopping in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  if (process.env.npm_lifecycle_event) abortWithoutParent(stopping);
  return stopping.signal;
}

/** Who kills npm the hard way wants what npm started to end, and nobody else tells us. */
function abortWithoutParent(stopping: AbortController): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stopping.abort();
  }, 1_000).unref();
}
