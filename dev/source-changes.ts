import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectRoot } from './project';

/** Changes of src/, several within a moment taken as one. */
export class SourceChanges {
  private readonly watcher: FSWatcher = watch(join(projectRoot, 'src'), { recursive: true }, () => this.noticed());
  private changed = false;
  private wake: (() => void) | undefined;

  private noticed(): void {
    this.changed = true;
    this.wake?.();
  }

  async next(): Promise<void> {
    if (!this.changed) await new Promise<void>((wake) => (this.wake = wake));
    await pause(200);
    this.changed = false;
  }

  close(): void {
    this.watcher.close();
  }
}
