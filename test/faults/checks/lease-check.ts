import { Violations } from './log-history';

/** What the database saw of a reader of the log: its lease was taken, or its checkpoint moved. */
export interface ReaderStep {
  reader: string;
  kind: 'took' | 'moved';
  fence: bigint;
  process: string;
  position: string;
  transaction: string;
  atMs: number;
}

/** Rows that only the holder of a reader's lease may write, together with its checkpoint. */
export interface Effect {
  reader: string;
  transaction: string;
  table: string;
}

/** One holder at a time: whoever lost the lease has written nothing since, frozen or not, and nobody goes back. */
export class LeaseCheck {
  private readonly violations = new Violations();
  private readonly fences = new Map<string, bigint>();
  private readonly positions = new Map<string, string>();
  private readonly moves = new Map<string, Set<string>>();
  readonly steps: ReaderStep[] = [];

  /** In the order of the reader's row. */
  add(step: ReaderStep): void {
    const { reader, kind, fence, position, transaction, process } = step;
    const current = this.fences.get(reader) ?? 0n;
    if (kind === 'took') {
      if (fence <= current) this.violations.add('fences rise', `${reader}: ${fence} after ${current} (${process})`);
      this.fences.set(reader, fence);
      this.steps.push(step);
      return;
    }
    if (fence !== current) {
      this.violations.add('a lost lease writes nothing', `${reader}: ${process} wrote under ${fence}, ${current} held`);
    }
    const before = this.positions.get(reader) ?? '';
    if (position <= before) {
      this.violations.add('checkpoints rise', `${reader}: ${position} after ${before} (${process})`);
    }
    this.positions.set(reader, position);
    this.moves.set(reader, (this.moves.get(reader) ?? new Set()).add(transaction));
  }

  effect({ reader, transaction, table }: Effect): void {
    if (this.moves.get(reader)?.has(transaction)) return;
    this.violations.add('effects move with their checkpoint', `${table} was written beside ${reader}'s checkpoint`);
  }

  /** How long each reader that this process held stood still after its end, in ms; a reader nobody took again: Infinity. */
  takeoversAfter(process: string, endedAtMs: number): { reader: string; ms: number }[] {
    const readers = [...new Set(this.steps.map(({ reader }) => reader))];
    return readers.flatMap((reader) => {
      const own = this.steps.filter((step) => step.reader === reader);
      const holder = own.findLast(({ atMs }) => atMs < endedAtMs);
      if (holder?.process !== process) return [];
      const next = own.find(({ atMs }) => atMs >= endedAtMs);
      return [{ reader, ms: next ? next.atMs - endedAtMs : Infinity }];
    });
  }

  finish(): Violations {
    return this.violations;
  }
}
