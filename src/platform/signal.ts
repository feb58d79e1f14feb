/** "There may be something new", inside one process. A hint only: whoever waits also looks by itself now and then. */
export class Signal {
  private readonly listeners = new Set<() => void>();

  on(listener: () => void): void {
    this.listeners.add(listener);
  }

  off(listener: () => void): void {
    this.listeners.delete(listener);
  }

  raise(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
