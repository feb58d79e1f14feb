import type { LogReader } from './log.reader';
import type { Position, StoredEvent } from './stored-event';

/** Pages of the log one after the other; while one is being worked off, the next one is read already. */
export class PageAhead {
  private ahead?: { after: Position; page: Promise<StoredEvent[] | undefined> };

  constructor(
    private readonly reader: LogReader,
    private readonly pageSize: number,
  ) {}

  /** The page after a position; the one read ahead when it begins there, which only the very object of its place tells. */
  async page(after: Position): Promise<StoredEvent[]> {
    const page = (await this.takeAhead(after)) ?? (await this.reader.page(after, this.pageSize));
    const last = page.at(-1);
    if (last && page.length === this.pageSize) {
      // A page that could not be read ahead is read in its turn, and fails where somebody sees it.
      const next = this.reader.page(last.position, this.pageSize).catch(() => undefined);
      this.ahead = { after: last.position, page: next };
    }
    return page;
  }

  private async takeAhead(after: Position): Promise<StoredEvent[] | undefined> {
    const { ahead } = this;
    this.ahead = undefined;
    const page = ahead?.after === after ? await ahead.page : undefined;
    // One that was not full then may be by now.
    return page?.length === this.pageSize ? page : undefined;
  }
}
