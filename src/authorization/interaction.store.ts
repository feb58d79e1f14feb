import type { Sealed } from '../persons';
import type { Database, Queries } from '../platform';

/** How an interaction ended; null while it has not. */
export type InteractionOutcome = 'granted' | 'refused' | 'cancelled' | 'failed' | 'abandoned';

/** An interaction as operators see it. */
export interface InteractionView {
  interaction_id: string;
  client_id: string;
  provider: string;
  service_id: string;
  interface_version: string;
  days: number;
  request_id: string;
  correlation_id: string;
  created_at: Date;
  expires_at: Date;
  outcome: InteractionOutcome | null;
  exception: string | null;
  ended_at: Date | null;
  left_at: Date | null;
}

/** An interaction as the walk needs it. */
export interface Interaction extends InteractionView {
  shown_to: Buffer | null;
  decided_at: Date | null;
  sealed_answer: Buffer | null;
  answer_key_id: string | null;
}

type NewInteraction = Omit<InteractionView, 'outcome' | 'exception' | 'ended_at' | 'left_at'>;

/** What became of an interaction that is left. `isKnown` is false once the row is gone. */
export interface Left {
  isKnown: boolean;
  /** The person's yes came first: there is nothing to leave. */
  isDecided: boolean;
  /** Null while a yes is being carried out, and for a row that is gone. */
  outcome: InteractionOutcome | null;
  exception: string | null;
  /** Whether this call ended it. */
  isNew: boolean;
}

/** The table of interactions. Each change is one statement that takes effect only where it still may: whoever is first decides. */
export class InteractionStore {
  constructor(private readonly database: Database) {}

  async begin(row: NewInteraction): Promise<void> {
    await this.database.query(
      'interaction.begin',
      `insert into interaction (interaction_id, client_id, provider, service_id, interface_version, days,
         request_id, correlation_id, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        row.interaction_id,
        row.client_id,
        row.provider,
        row.service_id,
        row.interface_version,
        row.days,
        row.request_id,
        row.correlation_id,
        row.created_at,
        row.expires_at,
      ],
    );
  }

  async find(id: string): Promise<Interaction | undefined> {
    const [row] = await this.database.query<Interaction>(
      'interaction.find',
      `select ${viewColumns}, ${walkColumns} from interaction where interaction_id = $1`,
      [id],
    );
    return row;
  }

  /** How many are open at `now`, counted up to `limit`. */
  async openCount(now: Date, limit: number): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      'interaction.open-count',
      `select count(*)::int as count from
         (select from interaction where outcome is null and expires_at > $1 limit $2) as open`,
      [now, limit],
    );
    return row!.count;
  }

  /** The statement is about to be shown to whoever has this fingerprint; another person's showing no longer counts. */
  async show(id: string, shownTo: Buffer, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      'interaction.show',
      `update interaction set shown_to = $2 where interaction_id = $1 and ${stillOpen('$3')} returning 1`,
      [id, shownTo, now],
    );
    return rows.length > 0;
  }

  /** Ends it with an exception that is found before the person is asked. */
  async end(id: string, outcome: 'refused' | 'failed', exception: string, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      'interaction.end',
      `update interaction set outcome = $2, exception = $3, ended_at = $4
       where interaction_id = $1 and ${stillOpen('$4')} returning 1`,
      [id, outcome, exception, now],
    );
    return rows.length > 0;
  }

  /** The person says yes to the statement that was shown to them; undefined when it is no longer theirs to answer. */
  async decide(id: string, shownTo: Buffer, now: Date): Promise<Interaction | undefined> {
    const [row] = await this.database.query<Interaction>(
      'interaction.decide',
      `update interaction set decided_at = $3
       where interaction_id = $1 and shown_to = $2 and ${stillOpen('$3')} returning ${viewColumns}, ${walkColumns}`,
      [id, shownTo, now],
    );
    return row;
  }

  /**
   * Ends a yes that was carried out, together with what `answer` writes, and keeps that answer. False when there is one already, or the
   * yes has failed meanwhile; whoever comes second waits here for the first.
   */
  async grant(id: string, now: Date, answer: (queries: Queries) => Promise<Sealed>): Promise<boolean> {
    return this.database.transaction(async (queries) => {
      const rows = await queries.query(
        'interaction.grant',
        `update interaction set outcome = 'granted', ended_at = $2, left_at = $2
         where interaction_id = $1 and decided_at is not null and outcome is null returning 1`,
        [id, now],
      );
      if (rows.length === 0) return false;
      const { sealed, keyId } = await answer(queries);
      await queries.query(
        'interaction.keep-answer',
        'update interaction set sealed_answer = $2, answer_key_id = $3 where interaction_id = $1',
        [id, sealed, keyId],
      );
      return true;
    });
  }

  /** A yes that could not be carried out. */
  async fail(id: string, exception: string, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      'interaction.fail',
      `update interaction set outcome = 'failed', exception = $2, ended_at = $3, left_at = $3
       where interaction_id = $1 and outcome is null returning 1`,
      [id, exception, now],
    );
    return rows.length > 0;
  }

  /**
   * The browser goes back without a yes. One statement, the same for every kind of refusal: which kind it is follows from the row.
   * A row that is there and cannot be left was decided, possibly a moment ago: the update waits for a yes that is being written.
   */
  async leave(id: string, now: Date): Promise<Left> {
    const [row] = await this.database.query<Left>(
      'interaction.leave',
      `with known as (select interaction_id, outcome, exception from interaction where interaction_id = $1),
       gone as (
         update interaction set
           outcome = coalesce(outcome, case when expires_at <= $2 then 'abandoned' when shown_to is null then 'cancelled' else 'refused' end),
           exception = case when outcome is null and expires_at > $2 and shown_to is not null then $3 else exception end,
           ended_at = coalesce(ended_at, least($2, expires_at)),
           left_at = coalesce(left_at, $2)
         where interaction_id = $1 and decided_at is null
         returning interaction_id, outcome, exception, left_at
       )
       select known.interaction_id is not null as "isKnown",
              known.interaction_id is not null and gone.interaction_id is null as "isDecided",
              coalesce(gone.outcome, known.outcome) as outcome,
              coalesce(gone.exception, known.exception) as exception,
              known.outcome is null and gone.left_at is not distinct from $2 as "isNew"
       from (select) as always left join known on true left join gone on true`,
      [id, now, 'Abonneren 4'],
    );
    return row!;
  }

  /** Newest first, `limit` rows after `after`; those whose time is up and nobody noticed yet count as abandoned. */
  async list(
    filter: { state?: InteractionState; now: Date },
    after: { createdAt: string; interactionId: string } | undefined,
    limit: number,
  ): Promise<(InteractionView & { place: string })[]> {
    const place = after ? [after.createdAt, after.interactionId] : [];
    const { name, condition } = stateFilter(filter.state);
    return this.database.query<InteractionView & { place: string }>(
      `interaction.list.${name}${after ? '.after' : ''}`,
      `select ${viewColumns}, created_at::text as place from interaction
       where $1::timestamptz is not null and ${condition}
         ${after ? 'and (created_at, interaction_id) < ($3::timestamptz, $4::uuid)' : ''}
       order by created_at desc, interaction_id desc limit $2`,
      [filter.now, limit, ...place],
    );
  }

  /** Ends what nobody finished, oldest first, at most `limit`. A yes that was never carried out has failed. */
  async endExpired(now: Date, limit: number): Promise<InteractionView[]> {
    return this.database.query<InteractionView>(
      'interaction.end-expired',
      `update interaction set
         outcome = case when decided_at is null then 'abandoned' else 'failed' end,
         exception = case when decided_at is null then exception else $3 end,
         ended_at = expires_at
       where interaction_id in (
         select interaction_id from interaction where outcome is null and expires_at <= $1
         order by expires_at limit $2 for update skip locked)
       returning ${viewColumns}`,
      [now, limit, 'Abonneren 5'],
    );
  }

  /** Removes the answers with codes of what ended at `before` or earlier; returns how many. */
  async forgetAnswers(before: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'interaction.forget-answers',
      `update interaction set sealed_answer = null, answer_key_id = null
       where interaction_id in (
         select interaction_id from interaction where sealed_answer is not null and ended_at <= $1
         order by ended_at limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    );
    return rows.length;
  }

  /** Interactions that know whom they were shown to, by their ids, `limit` after `after`. */
  async shownAfter(after: string, limit: number): Promise<{ interaction_id: string; shown_to: Buffer }[]> {
    return this.database.query(
      'interaction.shown-after',
      `select interaction_id, shown_to from interaction
       where shown_to is not null and interaction_id > $1 order by interaction_id limit $2`,
      [after, limit],
    );
  }

  async forgetShown(ids: readonly string[]): Promise<void> {
    await this.database.query(
      'interaction.forget-shown',
      'update interaction set shown_to = null where interaction_id = any ($1)',
      [ids],
    );
  }

  /** Removes whom it was shown to from what ended at `before` or earlier; returns how many. */
  async forgetShownBefore(before: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'interaction.forget-shown-before',
      `update interaction set shown_to = null
       where interaction_id in (
         select interaction_id from interaction where shown_to is not null and ended_at <= $1
         limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    );
    return rows.length;
  }

  /** Deletes what began at `before` or earlier and has ended; returns how many. */
  async forget(before: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'interaction.forget',
      `delete from interaction where interaction_id in (
         select interaction_id from interaction where created_at <= $1 and outcome is not null
         order by created_at limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    );
    return rows.length;
  }
}

/** The states of an interaction on the operators' list. */
export const interactionStates = ['open', 'granted', 'refused', 'cancelled', 'failed', 'abandoned'] as const;
export type InteractionState = (typeof interactionStates)[number];

function stateFilter(state: InteractionState | undefined): { name: string; condition: string } {
  if (state === undefined) return { name: 'all', condition: 'true' };
  if (state === 'open') return { name: state, condition: '(outcome is null and expires_at > $1)' };
  if (state === 'abandoned') {
    const unnoticed = '(outcome is null and decided_at is null and expires_at <= $1)';
    return { name: state, condition: `(outcome = 'abandoned' or ${unnoticed})` };
  }
  return { name: state, condition: `outcome = '${state}'` };
}

const stillOpen = (now: string) => `outcome is null and decided_at is null and expires_at > ${now}`;

const viewColumns = `interaction_id, client_id, provider, service_id, interface_version, days, request_id, correlation_id,
  created_at, expires_at, outcome, exception, ended_at, left_at`;
const walkColumns = 'shown_to, decided_at, sealed_answer, answer_key_id';
