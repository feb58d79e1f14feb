import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Message, type PartitionMetadata, Partitioners } from 'kafkajs';
import { javaPartitioner } from './java-partitioner';

const partitions = (count: number) =>
  Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 1 }) as PartitionMetadata);
const asked = (message: Partial<Message>, count: number) => ({
  topic: 'topic',
  partitionMetadata: partitions(count),
  message: { value: null, ...message },
});

describe('the partition of a record', () => {
  it('is the one that the Java client, and kafkajs after it, chooses for its key', () => {
    const [ours, theirs] = [javaPartitioner(), Partitioners.DefaultPartitioner()];
    const keys = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.uuid(),
      fc.uint8Array({ maxLength: 40 }).map(Buffer.from),
    );
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 50 }), (key, count) => {
        expect(ours(asked({ key }, count))).toBe(theirs(asked({ key }, count)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the one a record names', () => {
    expect(javaPartitioner()(asked({ key: 'key', partition: 3 }, 12))).toBe(3);
  });

  it('is any for a record without a key', () => {
    const choose = javaPartitioner();
    const chosen = new Set(Array.from({ length: 500 }, () => choose(asked({ key: null }, 4))));
    expect([...chosen].sort()).toEqual([0, 1, 2, 3]);
  });
});
