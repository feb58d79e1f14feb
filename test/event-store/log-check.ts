import { positionText, type StoredEvent } from '../../src/event-store';

/** A fact with a number by which the test knows it again. */
export interface Marked {
  type: 'marked';
  data: { mark: number };
}

export const marked = (mark: number): Marked => ({ type: 'marked', data: { mark } });

/**
 * The check of what a reader of the log may rely on: all that was committed, once, every stream in the order of its
 * versions, and a position that never goes back. Fed from both sides: by who writes, from the answers, and by who reads.
 */
export class LogCheck {
  private readonly committed = new Set<number>();
  private readonly seen = new Map<number, string>();
  private readonly versions = new Map<string, number>();
  private readonly found: string[] = [];
  private lastPosition = '';

  commit(...marks: number[]): void {
    for (const mark of marks) this.committed.add(mark);
  }

  see(page: readonly StoredEvent<Marked>[]): void {
    for (const event of page) {
      const { stream_id: stream, version, data } = event;
      const position = positionText(event.position);
      if (position <= this.lastPosition) this.found.push(`position ${position} comes after ${this.lastPosition}`);
      this.lastPosition = position;
      if (this.seen.has(data.mark)) this.found.push(`event ${data.mark} is seen twice`);
      this.seen.set(data.mark, position);
      const before = this.versions.get(stream) ?? 0;
      if (version !== before + 1) this.found.push(`stream ${stream}: version ${version} comes after ${before}`);
      this.versions.set(stream, version);
    }
  }

  seenCount(): number {
    return this.seen.size;
  }

  committedCount(): number {
    return this.committed.size;
  }

  /** Everything that is wrong, once nobody writes any more and the reader has come to the end. */
  faults(): string[] {
    const lost = [...this.committed].filter((mark) => !this.seen.has(mark)).map((mark) => `event ${mark} is lost`);
    const never = [...this.seen.keys()]
      .filter((mark) => !this.committed.has(mark))
      .map((mark) => `event ${mark} is seen and was never committed`);
    return [...this.found, ...lost, ...never];
  }
}
