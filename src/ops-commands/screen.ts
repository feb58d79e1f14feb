/** Where a command writes; `isLive` when somebody looks on and a line may be written over. */
export interface Output {
  write(text: string): void;
  isLive: boolean;
  columns: number;
}

const barWidth = 30;
/** Longest text in a cell of a table; ids are 38 long. */
const cellMax = 60;

/** What the operator reads: lines, tables, and a bar for long work. */
export class Screen {
  private isBarOpen = false;
  private lastShown = '';

  constructor(private readonly output: Output) {}

  line(text = ''): void {
    this.closeBar();
    this.output.write(`${text}\n`);
  }

  /** One item a line, for other programs. */
  json(items: readonly unknown[]): void {
    for (const item of items) this.line(JSON.stringify(item));
  }

  /** The named fields of the items, one under the other. */
  table(items: readonly object[], names: readonly string[]): void {
    const cells = items.map((item) => names.map((name) => cellOf((item as Record<string, unknown>)[name])));
    const widths = names.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]!.length)));
    for (const row of [names, ...cells]) {
      this.line(
        row
          .map((text, column) => text.padEnd(widths[column]!))
          .join('  ')
          .trimEnd(),
      );
    }
  }

  /** The fields of one item, a line each. */
  fields(item: object): void {
    const width = Math.max(...Object.keys(item).map((name) => name.length));
    for (const [name, value] of Object.entries(item)) this.line(`${name.padEnd(width)}  ${cellOf(value, Infinity)}`);
  }

  /** How far long work has come, from 0 to 1; without a terminal a line whenever a whole per cent is added. */
  progress(title: string, share: number): void {
    const percent = Math.floor(Math.min(Math.max(share, 0), 1) * 100);
    const done = Math.round((percent / 100) * barWidth);
    const text = `${title} [${'#'.repeat(done)}${'.'.repeat(barWidth - done)}] ${percent} %`;
    if (text === this.lastShown) return;
    this.lastShown = text;
    if (this.output.isLive) {
      this.output.write(`\r${text.slice(0, this.output.columns - 1)}`);
      this.isBarOpen = true;
    } else this.output.write(`${text}\n`);
  }

  private closeBar(): void {
    if (this.isBarOpen) this.output.write('\n');
    this.isBarOpen = false;
  }
}

function cellOf(value: unknown, max = cellMax): string {
  const text =
    value === null || value === undefined ? '-' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
