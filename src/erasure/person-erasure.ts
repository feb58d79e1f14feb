import type { CommandBus } from '@nestjs/cqrs';
import { type LogReader, type ParkedStreamStore, positionText } from '../event-store';
import { type KnownPersons, type PersonHolder, UnreadableSubject } from '../persons';
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
  parked: Pick<ParkedStreamStore, 'lastEvents'>;
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
    const { database, store, persons, clock, lines } = this.parts;
    const { personId, trace } = order;
    await this.forgetHeld(personId);
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

  /** Ends what is running of a person, as far as the view shows it, or has parked it. @returns how many were ended by this call */
  async endRunning(order: ErasureOrder): Promise<number> {
    const { running, parked, clock } = this.parts;
    const { personId } = order;
    const now = clock.now();
    // Of a parked stream the view shows an older state, or nothing: it may run, and it would go on for a person whom nobody knows.
    const unseen = (await parked.lastEvents()).filter(({ person_id }) => person_id === personId);
    let ended = await this.end([...new Set(unseen.map(({ subscription_id }) => String(subscription_id)))], order, now);
    for (let after: Parameters<RunningSubscriptions['of']>[2]; ;) {
      const page = await running.of({ person_id: personId }, dateOf(now), after, pageSize);
      ended += await this.end(
        page.map(({ subscription_id: id }) => id),
        order,
        now,
      );
      if (page.length < pageSize) return ended;
      after = page.at(-1)!.place;
    }
  }

  /** One that has ended meanwhile stays as it is, and is not counted. */
  private async end(subscriptionIds: readonly string[], { trace }: ErasureOrder, now: Date): Promise<number> {
    const results = await Promise.all(
      subscriptionIds.map((id) => this.parts.commandBus.execute(new TerminateOrder(id, 'erased', trace, now))),
    );
    return results.filter(({ recorded, standing }) => recorded && standing.status === 'terminated').length;
  }

  /**
   * Whoever keeps this person for a while forgets. Whom no key opens nobody can find there: what they keep is sealed under the same keys, or
   * found by the subject alone, and runs out within the hour.
   */
  private async forgetHeld(personId: string): Promise<void> {
    const { persons, holders, lines } = this.parts;
    try {
      const person = await persons.subjectOf(personId);
      if (person) await Promise.all(holders.map((holder) => holder.forgetPerson(person)));
    } catch (error) {
      if (!(error instanceof UnreadableSubject)) throw error;
      lines.warn({ person_id: personId }, 'person.unreadable');
    }
  }

  /** Subscriptions are found in the view: it must have seen what was recorded until now. */
  private async endRecorded(order: ErasureOrder): Promise<number> {
    const { log, projection } = this.parts;
    await projection.until(positionText(await log.end()));
    return this.endRunning(order);
  }
}
