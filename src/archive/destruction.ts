import { type DestructionRecords, keptSince } from '../audit';
import {
  type ArchiveMonths,
  type ArchiveStore,
  type DestroyedEvent,
  type LogReader,
  type ParkedStreamStore,
  positionText,
} from '../event-store';
import { forgetNotified } from '../notifications';
import type { LeftPersons } from '../persons';
import type { Clock, Database, Logger, Queries } from '../platform';
import type { ProjectionWait, ViewRetention } from '../projections';
import { Refused } from '../refusals';
import { answersForgottenBefore } from './retention';

/** Streams destroyed, persons looked at, and answers forgotten in one step. */
const pageSize = { destroyed: 200, persons: 200, answers: 1_000 };
/** Between two looks for answers that are old enough. */
const answersEveryMs = 60 * 60 * 1000;

export interface DestructionParts {
  database: Database;
  reader: LogReader;
  archive: Pick<ArchiveStore, 'forgetCommands'>;
  months: ArchiveMonths;
  views: ViewRetention;
  projection: ProjectionWait;
  parked: ParkedStreamStore;
  persons: LeftPersons;
  destructions: DestructionRecords;
  clock: Clock;
  log: Logger;
}

/** Holds on to the right to destroy until the end of the transaction. @throws when another process has it by now */
export type Fence = (queries: Queries) => Promise<void>;

/** Destroys what has been kept for its time: subscriptions, persons of whom nothing is left, answers to requests. */
export class Destruction {
  private answersLookedAtMs = -Infinity;

  constructor(private readonly parts: DestructionParts) {}

  /** One bounded piece of each. Whether there is more. */
  async step(fence: Fence): Promise<boolean> {
    const now = this.parts.clock.now();
    const hasMore = [await this.subscriptions(now, fence), await this.persons(fence), await this.answers(now)];
    return hasMore.includes(true);
  }

  private async subscriptions(now: Date, fence: Fence): Promise<boolean> {
    const { months, destructions, log } = this.parts;
    const before = keptSince(now);
    if (!(await months.isAnythingOver(before))) return false;
    const streams = await this.streams(before, fence);
    if (streams === undefined) return false;
    if (streams > 0) log.info({ streams }, 'archive.destroyed');
    if (streams === pageSize.destroyed) return true;
    await months.drop(before, async ({ from, to, rows }, queries) => {
      await fence(queries);
      await destructions.write({ what: 'archived_event', from, to, rows, at: now }, queries);
      log.info({ from, to, rows }, 'archive.month_destroyed');
    });
    return false;
  }

  /** How many went; undefined while a version of the view is being built, which waits for nobody. */
  private streams(before: Date, fence: Fence): Promise<number | undefined> {
    const { database, months, views } = this.parts;
    return database.transaction(async (queries) => {
      await fence(queries);
      if (await views.isBuilding(queries)) return undefined;
      const { streams, events } = await months.destroy(before, pageSize.destroyed, queries);
      await this.forget(events, queries);
      return streams;
    });
  }

  private async forget(events: readonly DestroyedEvent[], queries: Queries): Promise<void> {
    const facts = events.map(({ data }) => data as { subscription_id: string; person_id: string });
    const ids = [...new Set(facts.map(({ subscription_id }) => subscription_id))];
    await this.parts.views.forget(ids, queries);
    await forgetNotified(ids, queries);
    await this.parts.persons.add(
      facts.map(({ person_id }) => person_id),
      queries,
    );
  }

  /**
   * Whose subscriptions are all destroyed is nobody any more. The view says so once it has seen everything recorded until now, and the
   * parked streams say what it does not show.
   */
  private async persons(fence: Fence): Promise<boolean> {
    const { database, persons, views, parked, log } = this.parts;
    const page = await persons.page(pageSize.persons);
    if (page.length === 0 || !(await this.viewIsUpToDate())) return false;
    const forgotten = await database.transaction(async (queries) => {
      await fence(queries);
      const known = new Set<unknown>(await views.personsIn(page, queries));
      for (const { person_id } of await parked.lastEvents(queries)) known.add(person_id);
      return persons.settle(
        page,
        page.filter((id) => !known.has(id)),
        queries,
      );
    });
    if (forgotten > 0) log.info({ persons: forgotten }, 'archive.persons_forgotten');
    return page.length === pageSize.persons;
  }

  /** False when it does not catch up with the log in time; then the persons wait. */
  private async viewIsUpToDate(): Promise<boolean> {
    const { reader, projection } = this.parts;
    try {
      await projection.until(positionText(await reader.end()));
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  private async answers(now: Date): Promise<boolean> {
    if (performance.now() - this.answersLookedAtMs < answersEveryMs) return false;
    const { archive } = this.parts;
    if ((await archive.forgetCommands(answersForgottenBefore(now), pageSize.answers)) === pageSize.answers) return true;
    this.answersLookedAtMs = performance.now();
    return false;
  }
}
