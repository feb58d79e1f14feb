import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectRoot } from './project';

const lookEveryMs = 400;

/**
 * Changes below src/ and pages/. By looking at the times of the files: fs.watch on Linux loses a file that an editor replaces
 * instead of writing (Node 20).
 */
export class SourceChanges {
  private known = state();

  /** Resolves when something has changed since the last time and nothing more changes at that moment, or at the signal. */
  async next(signal: AbortSignal): Promise<void> {
    let seen = this.known;
    for (;;) {
      await pause(lookEveryMs);
      if (signal.aborted) return;
      const now = state();
      if (now !== this.known && now === seen) break;
      seen = now;
    }
    this.known = seen;
  }
}

function state(): string {
  return ['src', 'pages'].map((name) => stateOf(join(projectRoot, name))).join('\n');
}

function stateOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((file) => `${file} ${statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs}`)
    .join('\n');
}
