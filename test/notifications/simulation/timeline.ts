/** What is to happen at which moment of a virtual clock, in order; what falls on the same moment happens as it was put down. */
export class Timeline {
  private readonly heap: { atS: number; turn: number; run: () => void }[] = [];
  private turns = 0;

  at(atS: number, run: () => void): void {
    this.turns += 1;
    this.heap.push({ atS, turn: this.turns, run });
    for (let child = this.heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.isBefore(child, parent)) break;
      this.swap(child, parent);
      child = parent;
    }
  }

  /** Undefined when nothing more is to happen. */
  nextS(): number | undefined {
    return this.heap[0]?.atS;
  }

  runUpTo(nowS: number): void {
    while (this.heap.length > 0 && this.heap[0]!.atS <= nowS) this.takeFirst().run();
  }

  private takeFirst(): { run: () => void } {
    const first = this.heap[0]!;
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return first;
    this.heap[0] = last;
    for (let parent = 0; ;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let least = parent;
      if (left < this.heap.length && this.isBefore(left, least)) least = left;
      if (right < this.heap.length && this.isBefore(right, least)) least = right;
      if (least === parent) return first;
      this.swap(parent, least);
      parent = least;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.heap[one]!, this.heap[other]!];
    return a.atS < b.atS || (a.atS === b.atS && a.turn < b.turn);
  }

  private swap(one: number, other: number): void {
    [this.heap[one], this.heap[other]] = [this.heap[other]!, this.heap[one]!];
  }
}
