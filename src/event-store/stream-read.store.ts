import { type Database, groupBy } from '../platform';
import type { ArchiveStore } from './archive.store';
import { type EventRow, storedEvent } from './event-row';
import { type Fact, inNewestForm, positionText, startOfLog, type StoredEvent, type Upcast } from './stored-event';
import { streamIdOf } from './stream-id';

/** Which stream is meant: its id, or the person (by the keyed hashes of the subject, newest key first) and further names. */
export type StreamTarget =
  | { streamId: string }
  | { subjectHash: Buffer; previousSubjectHash?: Buffer; names: readonly [string, string, string] };

export interface ReadRequest {
  target: StreamTarget;
  /** The sender's key of a command that must take effect once. */
  commandKey?: string;
}

export interface StoredCommand {
  fingerprint: Buffer;
  answer: Record<string, unknown>;
  position: string;
}

export interface ReadResult<F extends Fact = Fact> {
  /** The answer already given under this key. */
  command?: StoredCommand;
  /** Undefined when the person is not known yet. */
  personId?: string;
  events: StoredEvent<F>[];
  /** The stream lies in the archive; who appends to it says so. */
  isArchived?: boolean;
}

/** Times a read begins anew because a stream came back from the archive meanwhile. */
const archiveAttemptsMax = 4;

/** Reads streams for whoever decides: one round trip, and another for what lies in the archive. */
export class StreamReadStore {
  constructor(
    private readonly database: Database,
    private readonly archive: ArchiveStore,
    private readonly upcast: Upcast,
  ) {}

  /** The streams asked for, their events in their newest form, each with the answer already given under its command key. */
  async read<F extends Fact>(requests: readonly ReadRequest[]): Promise<ReadResult<F>[]> {
    for (let attempts = 1; attempts <= archiveAttemptsMax; attempts += 1) {
      const results = await this.readLog<F>(requests);
      if (await this.completeFromArchive(requests, results)) return results;
    }
    throw new Error('A stream goes to the archive and comes back all the time.');
  }

  /** What is not in the log's own table any more; false when it came back there meanwhile. */
  private async completeFromArchive<F extends Fact>(
    requests: readonly ReadRequest[],
    results: readonly ReadResult<F>[],
  ): Promise<boolean> {
    const archived = results.flatMap((result, index) => {
      const { target } = requests[index]!;
      if (!result.isArchived) return [];
      return [{ result, id: 'streamId' in target ? target.streamId : streamIdOf(result.personId!, ...target.names) }];
    });
    if (archived.length > 0) {
      const rows = groupBy(await this.archive.eventsOf(archived.map(({ id }) => id)), ({ stream_id: id }) => id);
      for (const { result, id } of archived) {
        const events = rows.get(id) ?? [];
        if (events.length === 0) return false;
        result.events.push(...events.map((row) => inNewestForm<F>(storedEvent(row), this.upcast)));
      }
    }
    await this.positionsFromArchive(requests, results);
    return true;
  }

  /** An answer that outlived what it was about, which was destroyed, stands at the start of the log. */
  private async positionsFromArchive(requests: readonly ReadRequest[], results: readonly ReadResult[]): Promise<void> {
    const asked = results.flatMap(({ command }, index) =>
      command?.position === '' ? [{ command, key: requests[index]!.commandKey! }] : [],
    );
    if (asked.length === 0) return;
    const positions = await this.archive.positionsOf(asked.map(({ key }) => key));
    for (const { command, key } of asked) command.position = positions.get(key) ?? positionText(startOfLog);
  }

  private async readLog<F extends Fact>(requests: readonly ReadRequest[]): Promise<ReadResult<F>[]> {
    const targets = requests.map(({ target }) => ('streamId' in target ? { streamId: target.streamId } : target));
    const rows = await this.database.query<ReadRow>('event-store.read', readSql, [
      targets.map((target) => ('streamId' in target ? target.streamId : null)),
      targets.map((target) => ('streamId' in target ? null : target.subjectHash)),
      targets.map((target) => ('streamId' in target ? null : (target.previousSubjectHash ?? null))),
      targets.map((target) => ('streamId' in target ? null : target.names[0])),
      targets.map((target) => ('streamId' in target ? null : target.names[1])),
      targets.map((target) => ('streamId' in target ? null : target.names[2])),
      requests.map(({ commandKey }) => commandKey ?? null),
    ]);
    const results: ReadResult<F>[] = requests.map(() => ({ events: [] }));
    for (const row of rows) {
      const result = results[row.item - 1]!;
      if (row.person_id !== null) result.personId = row.person_id;
      if (row.fingerprint !== null) {
        result.command = { fingerprint: row.fingerprint, answer: row.answer!, position: row.command_position ?? '' };
      }
      if (row.is_archived) result.isArchived = true;
      if (row.version !== null)
        result.events.push(inNewestForm<F>(storedEvent(row as ReadRow & EventRow), this.upcast));
    }
    return results;
  }
}

const readSql = `select * from read_streams($1, $2, $3, $4, $5, $6, $7)`;

interface ReadRow {
  item: number;
  person_id: string | null;
  fingerprint: Buffer | null;
  answer: Record<string, unknown> | null;
  command_position: string | null;
  /** Asked for streams without events in the log only. */
  is_archived: boolean | null;
  /** Null, with all other columns of the event, when the stream has none. */
  version: number | null;
}
