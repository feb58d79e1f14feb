import type { CommandBus } from '@nestjs/cqrs';
import { type LogReader, positionText } from '../event-store';
import type { KnownPersons, PersonHolder } from '../persons';
import type { Clock, Database, Logger } from '../platform';
import type { ProjectionWait, RunningSubscriptions } from '../projections';
import { dateOf, TerminateOrder } from '../subscriptions';
import type { ErasureOrder, ErasureStore } from './erasure.store';

/** Subscriptions looked up, and ended at once. */
const pageSize = 100;

export interface ErasureParts {
  database: Database;
  store: ErasureStore;
  persons: KnownPersons;
  /** Who keeps a person for a while: grants, sessions, interactions. */
  holders: readonly PersonHolder[];
  log: LogReader;
  projection: ProjectionWait;
  running: RunningSubscriptions;
  commandBus: Pick<CommandBus, 'execute'>;
  clock: Clock;
  lines: Logger;
}

/**
 * Erases a person (domain.md 12): whoever keeps the person forgets, the subscriptions end, then the identity goes. Until it is gone every
 * step can be taken again, for the identity says what there is to forget. What is left knows a random id that belongs to nobody.
 */
export class PersonErasure {
  constructor(private readonly parts: ErasureParts) {}

  /**
   * Orders it and carries it out. Once ordered it goes on by itself, whatever fails here (see ErasureKeeper).
   * @returns how many subscriptions this call has ended
   * @throws Refused `projection_behind` when the view does not catch up with the log in time
   */
  async erase(order: ErasureOrder): Promise<number> {
    await this.parts.store.add(order, this.parts.clock.now());
    return this.carryOut(order);
  }

  /** Every step may be taken twice, also by two at once. */
  async carryOut(order: ErasureOrder): Promise<number> {
    const { database, store, persons, holders, clock, lines } = this.parts;
    const { personId, trace } = order;
    const person = await persons.subjectOf(personId);
    if (person) await Promise.all(holders.map((holder) => holder.forgetPerson(person)));
    const ended = await this.endRecorded(order);
    await database.transaction(async (queries) => {
      await persons.forget(personId, queries);
      await store.close(personId, clock.now(), queries);
    });
    // From now on nothing begins for this id but what was on its way already; the keeper looks out for that.
    const endedLate = await this.endRecorded(order);
    lines.info({ ...trace, person_id: personId, ended: ended + endedLate }, 'person.erased');
    return ended + endedLate;
  }

  /** Ends what is running of a person, as far as the view shows it. @returns how many were ended by this call */
  async endRunning({ personId, trace }: ErasureOrder): Promise<number> {
    const { running, commandBus, clock } = this.parts;
    const now = clock.now();
    let ended = 0;
    for (let after: Parameters<RunningSubscriptions['of']>[2]; ;) {
      const page = await running.of({ person_id: personId }, dateOf(now), after, pageSize);
      const results = await Promise.all(
        page.map(({ subscription_id: id }) => commandBus.execute(new TerminateOrder(id, 'erased', trace, now))),
      );
      ended += results.filter(({ recorded, standing }) => recorded && standing.status === 'terminated').length;
      if (page.length < pageSize) return ended;
      after = page.at(-1)!.place;
    }
  }

  /** Subscriptions are found in the view: it must have seen what was recorded until now. */
  private async endRecorded(order: ErasureOrder): Promise<number> {
    const { log, projection } = this.parts;
    await projection.until(positionText(await log.end()));
    return this.endRunning(order);
  }
}
