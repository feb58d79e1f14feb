import { createHash } from 'node:crypto';
import type { PersonalSeal } from '../persons';
import { type Clock, nameBasedId } from '../platform';
import type { Refused } from '../refusals';
import { type EventTransport, type IncomingRecord, topics } from '../transport';
import { deadLetterOf, isCut } from './dead-letter';
import { type DeadLetterRow, type DeadLetterStore, type DeadLetterView } from './dead-letter.store';
import { recordBytes, recordOf } from './sealed-record';

/** Refused records: kept for seven days on their topic and in a table, and sent in again when an operator says so. */
export class DeadLetters {
  constructor(
    private readonly transport: EventTransport,
    private readonly store: DeadLetterStore,
    private readonly seal: PersonalSeal,
    private readonly clock: Clock,
  ) {}

  /** Once in the table, at least once on the topic: after a crash between the two the record comes again. */
  async bury(record: IncomingRecord, refused: Refused): Promise<void> {
    const letter = deadLetterOf(record, refused);
    const id = deadLetterId(record);
    const { sealed, keyId } = this.seal.seal(recordBytes(letter), id);
    await this.store.add({
      dead_letter_id: id,
      topic: record.topic,
      partition: record.partition,
      record_offset: record.offset,
      reason: refused.code,
      detail: String(letter.headers['x-dead-letter-detail']),
      sealed_record: sealed,
      key_id: keyId,
      is_cut: isCut(letter),
      created_at: this.clock.now(),
    });
    await this.transport.publish([letter]);
  }

  /** Newest first; `after` is the last one seen. */
  list(
    after: { createdAt: string; deadLetterId: string } | undefined,
    limit: number,
  ): Promise<(DeadLetterView & { place: string })[]> {
    return this.store.list(this.since(), after, limit);
  }

  /**
   * Puts the record on its topic again, as it came; it is judged anew there. Undefined when there is no such dead letter (any
   * more), `not_retryable` when it is not whole: it was cut, or sealed under a key that is gone.
   */
  async replay(id: string): Promise<DeadLetterView | 'not_retryable' | undefined> {
    const row = await this.store.find(id, this.since());
    if (!row) return undefined;
    const content = row.is_cut ? undefined : this.open(row);
    if (!content) return 'not_retryable';
    await this.transport.publish([{ topic: row.topic, ...recordOf(content) }]);
    return this.store.replayed(id, this.clock.now());
  }

  private open({ sealed_record: sealed, key_id: keyId, dead_letter_id: id }: DeadLetterRow): Buffer | undefined {
    return this.seal.open({ sealed, keyId }, id);
  }

  private since(): Date {
    return new Date(this.clock.now().getTime() - topics.deadLetters.retentionMs);
  }
}

/** By its place and content, for a topic that is made anew counts from zero again. */
function deadLetterId({ topic, partition, offset, key, value }: IncomingRecord): string {
  const digest = createHash('sha256');
  for (const part of [key, value]) digest.update(part === null ? 'null\n' : `${part.length}\n`).update(part ?? '');
  return nameBasedId('dead letter', topic, String(partition), offset, digest.digest('hex'));
}
