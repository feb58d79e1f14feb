import type { Queries } from '../platform';
import { live } from './subscription-view.store';

/** What becomes of the view when subscriptions are destroyed (docs/adr/0030). */
export class ViewRetention {
  /**
   * Whether a version is being built: it could bring back what it has read already. None begins before the transaction ends, for whoever
   * asks for one changes the row that is held here.
   */
  async isBuilding(queries: Queries): Promise<boolean> {
    const rows = await queries.query<{ task: string | null }>(
      'view-retention.building',
      'select task from projection order by name for share',
    );
    return rows.some(({ task }) => task !== null);
  }

  /** Removes subscriptions from every version of the view. */
  async forget(subscriptionIds: readonly string[], queries: Queries): Promise<void> {
    await queries.query(
      'view-retention.forget',
      'delete from subscription_view where slot in (0, 1) and subscription_id = any ($1)',
      [subscriptionIds],
    );
  }

  /** Of these persons, those of whom the live version has a subscription, ended or not. */
  async personsIn(personIds: readonly string[], queries: Queries): Promise<string[]> {
    const rows = await queries.query<{ person_id: string }>(
      'view-retention.persons',
      `select p.person_id from unnest($1::uuid[]) as p (person_id)
       where exists (select 1 from subscription_view v where ${live} and v.person_id = p.person_id)`,
      [personIds],
    );
    return rows.map((row) => row.person_id);
  }
}
