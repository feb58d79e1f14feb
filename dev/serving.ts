import { compile } from './compile';
import { quiet, say, step, yellow } from './console';
import type { Part, Parts } from './parts';
import { Problem } from './problem';
import { bringUpService, logTail, type ServiceOptions } from './service';
import { SourceChanges } from './source-changes';

/** Until we are asked to stop, or a part ends without being asked. */
export async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const dead = await Promise.race([parts.firstDeath(), aborted(signal)]);
  if (dead) throw unexpectedEnd(dead);
}

const aborted = (signal: AbortSignal) =>
  new Promise<undefined>((done) => {
    if (signal.aborted) done(undefined);
    else signal.addEventListener('abort', () => done(undefined), { once: true });
  });

/** `npm run dev`: every change of src/ and pages/ is compiled and, when it compiles, served. A service that ends waits for the next change. */
export async function serveAndWatch(service: ServiceOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  const changes = new SourceChanges();
  say(quiet('  Watching src/ and pages/.'));
  for (;;) {
    const decided = new AbortController();
    const event = await Promise.race([
      changes.next(decided.signal).then(() => 'changed' as const),
      aborted(signal).then(() => 'stopped' as const),
      parts.firstDeath(),
    ]);
    decided.abort();
    if (event === 'stopped') return;
    if (event === 'changed') await replaceService(service, parts, signal);
    else if (event.name !== 'service') throw unexpectedEnd(event);
    else {
      await parts.stop('service');
      say(yellow(`The service ended; it is started again at the next change.${logTail(service.logFile)}`));
    }
  }
}

const unexpectedEnd = ({ name, part }: { name: string; part: Part }) =>
  new Problem(`The ${name} ended unexpectedly, so everything is stopped.${logTail(part.logFile)}`);

async function replaceService(service: ServiceOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  try {
    await step('Rebuilt', () => compile(signal));
    await parts.stop('service');
    await step('Service', () => bringUpService(service, parts, signal));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(yellow(error.message));
  }
}
