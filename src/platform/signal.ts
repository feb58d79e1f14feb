/** How a signal gets to the other processes; `isOpen` says whether theirs get here too. */
export interface SignalPath {
  tell(): void;
  isOpen(): boolean;
}

/** "There may be something new." A hint only: whoever waits also looks by itself now and then. */
export class Signal {
  private readonly listeners = new Set<() => void>();

  /** Without a path it stays inside this process. */
  constructor(private readonly path?: SignalPath) {}

  /** Whether what other processes raise is heard here as well; while it is not, look more often. */
  get isShared(): boolean {
    return this.path?.isOpen() ?? false;
  }

  on(listener: () => void): void {
    this.listeners.add(listener);
  }

  off(listener: () => void): void {
    this.listeners.delete(listener);
  }

  /** Here, and in every other process it reaches. */
  raise(): void {
    this.raiseHere();
    this.path?.tell();
  }

  raiseHere(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
