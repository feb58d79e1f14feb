import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ConsumerOffsets,
  type Consumption,
  type EventTransport,
  type IncomingRecord,
  type OutgoingRecord,
  topics,
} from '../../src/transport';
import type { HeaderValue } from '../../src/transport/event-transport';
import { eventually } from '../support/eventually';

/** One wire, and as many connections to it as a test opens; each stands for a process. */
export interface Wire {
  connect(): EventTransport;
  close(): Promise<void>;
}

const topic = topics.authorizations.name;
const withinMs = 60_000;

const text = (value: Buffer | null) => value?.toString() ?? null;

/** The consumer's memory as a store keeps it. */
class RememberedOffsets implements ConsumerOffsets {
  readonly places = new Map<number, bigint>();

  read(): Promise<ReadonlyMap<number, bigint>> {
    return Promise.resolve(new Map(this.places));
  }

  save(partition: number, offset: bigint): Promise<void> {
    if (offset > (this.places.get(partition) ?? 0n)) this.places.set(partition, offset);
    return Promise.resolve();
  }

  setBack(partition: number, offset: bigint): Promise<void> {
    this.places.set(partition, offset);
    return Promise.resolve();
  }
}

/** What every transport must do, whatever the wire is made of. */
export function transportContract(name: string, openWire: () => Promise<Wire>): void {
  describe(name, () => {
    let wire: Wire;
    let transport: EventTransport;
    const consumptions: Consumption[] = [];
    beforeAll(async () => {
      wire = await openWire();
      transport = wire.connect();
    });
    afterEach(async () => {
      await Promise.all(consumptions.splice(0).map((consumption) => consumption.stop()));
    });
    afterAll(() => wire?.close());

    /** Publishes texts under keys of this test's own. */
    const publish = (run: string, ...records: [key: string, value: string][]) =>
      transport.publish(records.map(([key, value]) => ({ topic, key: `${run} ${key}`, headers: {}, value })));
    /** Consumes what this test has published, and passes the rest by. */
    const consume = (
      run: string,
      handle: (value: string, record: IncomingRecord) => Promise<void> | void,
      { group = run, through = transport } = {},
    ) => {
      const consumption = through.consume({
        group,
        topic,
        handle: async (record) => {
          if (text(record.key)?.startsWith(run)) await handle(text(record.value) ?? '', record);
        },
      });
      consumptions.push(consumption);
      return consumption;
    };
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

    it('answers a ping', async () => {
      await expect(transport.ping()).resolves.toBeUndefined();
    });

    it('publishes nothing when asked to', async () => {
      await expect(transport.publish([])).resolves.toBeUndefined();
    });

    it('hands in the records of a key in the order in which they were published, from the first one on', async () => {
      const run = randomUUID();
      const keys = ['a', 'b', 'c'];
      for (let start = 0; start < 300; start += 60) {
        const part = numbers(300).slice(start, start + 60);
        await publish(run, ...part.flatMap((value) => keys.map((key): [string, string] => [key, value])));
      }
      const seen = new Map<string, string[]>(keys.map((key) => [`${run} ${key}`, []]));
      consume(run, (value, { key }) => void seen.get(text(key)!)!.push(value));
      await eventually(() => expect([...seen.values()].map(({ length }) => length)).toEqual([300, 300, 300]), withinMs);
      for (const values of seen.values()) expect(values).toEqual(numbers(300));
    });

    it('keeps the order of batches that are published at once', async () => {
      const run = randomUUID();
      await Promise.all(numbers(30).map((value) => publish(run, ['key', value])));
      const seen: string[] = [];
      consume(run, (value) => void seen.push(value));
      await eventually(() => expect(seen).toEqual(numbers(30)), withinMs);
    });

    it('carries keys, headers and values whole: texts, bytes, several of one name, none at all', async () => {
      const run = randomUUID();
      const bytes = Buffer.from([0, 255, 10, 128]);
      const records: OutgoingRecord[] = [
        {
          topic,
          key: `${run} key é`,
          headers: { run, text: 'é\u{1F600}', bytes, several: ['one', bytes], empty: '', absent: undefined },
          value: 'value é',
        },
        { topic, key: Buffer.from([1, 200]), headers: { run }, value: bytes },
        { topic, key: `${run} no value`, headers: { run }, value: null },
        { topic, key: null, headers: { run }, value: 'no key' },
        { topic, key: null, headers: { run }, value: '' },
      ];
      await transport.publish(records);
      const seen: IncomingRecord[] = [];
      const mine = ({ headers }: IncomingRecord) => String(headers.run) === run;
      consumptions.push(
        transport.consume({ group: run, topic, handle: async (record) => void (mine(record) && seen.push(record)) }),
      );
      await eventually(() => expect(seen).toHaveLength(5), withinMs);
      const readable = (value: HeaderValue): unknown =>
        Array.isArray(value) ? value.map(readable) : value === undefined ? value : Buffer.from(value).toString('hex');
      const hex = (value: string | Buffer | null) => value && Buffer.from(value).toString('hex');
      const all = seen.map(({ key, value, headers }) => ({
        key: hex(key),
        value: hex(value),
        headers: Object.fromEntries(Object.entries(headers).map(([header, content]) => [header, readable(content)])),
      }));
      const expected = records.map(({ key, value, headers }) => ({
        key: hex(key),
        value: hex(value),
        headers: Object.fromEntries(
          Object.entries(headers)
            .filter(([, content]) => content !== undefined)
            .map(([header, content]) => [header, readable(content)]),
        ),
      }));
      expect(all).toHaveLength(expected.length);
      for (const record of expected) expect(all).toContainEqual(record);
      expect(seen.map(({ topic: from }) => from)).toEqual(seen.map(() => topic));
    });

    it('goes on where the group stopped, and hands the whole topic to another group', async () => {
      const run = randomUUID();
      await publish(run, ['key', 'before']);
      const seen: string[] = [];
      const first = consume(run, (value) => void seen.push(value));
      await eventually(() => expect(seen).toEqual(['before']), withinMs);
      await first.stop();
      await publish(run, ['key', 'meanwhile']);
      consume(run, (value) => void seen.push(value));
      await eventually(() => expect(seen).toEqual(['before', 'meanwhile']), withinMs);
      const others: string[] = [];
      consume(run, (value) => void others.push(value), { group: `${run} other` });
      await eventually(() => expect(others).toEqual(['before', 'meanwhile']), withinMs);
      expect(seen).toEqual(['before', 'meanwhile']);
    });

    it('hands a record in again until it is handled, before the next one of its key', async () => {
      const run = randomUUID();
      await publish(run, ['key', 'first'], ['key', 'second'], ['key', 'third']);
      const tries: string[] = [];
      consume(run, (value) => {
        tries.push(value);
        if (value === 'second' && tries.length < 5) throw new Error('not yet');
      });
      await eventually(
        () => expect(tries).toEqual(['first', 'second', 'second', 'second', 'second', 'third']),
        withinMs,
      );
    });

    it('says since when a record is failing and why, until it is handled', async () => {
      const run = randomUUID();
      let isFailing = true;
      const consumption = consume(run, () => {
        if (isFailing) throw new Error('the handler failed');
      });
      await eventually(() => expect(consumption.state()).toEqual({ connected: true }), withinMs);
      await publish(run, ['key', 'poison']);
      await eventually(
        () =>
          expect(consumption.state()).toEqual({
            connected: true,
            failingSince: expect.any(Number),
            lastError: 'the handler failed',
          }),
        withinMs,
      );
      isFailing = false;
      await eventually(() => expect(consumption.state()).toEqual({ connected: true }), withinMs);
    });

    it('stops only when the record in hand is done, and hands in none after it', async () => {
      const run = randomUUID();
      await publish(run, ['key', 'first'], ['key', 'second']);
      const story: string[] = [];
      let finish: () => void = () => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const consumption = consume(run, async (value) => {
        story.push(`begin ${value}`);
        await finished;
        story.push(`end ${value}`);
      });
      await eventually(() => expect(story).toEqual(['begin first']), withinMs);
      const stopped = consumption.stop().then(() => story.push('stopped'));
      await new Promise((resolve) => setImmediate(resolve));
      finish();
      await stopped;
      expect(story).toEqual(['begin first', 'end first', 'stopped']);
      expect(consumption.state().connected).toBe(false);
    });

    it('stops although a record keeps failing, and hands it to the next consumer', async () => {
      const run = randomUUID();
      await publish(run, ['key', 'poison']);
      let tries = 0;
      const consumption = consume(run, () => {
        tries += 1;
        throw new Error('not yet');
      });
      await eventually(() => expect(tries).toBeGreaterThan(1), withinMs);
      await consumption.stop();
      const seen: string[] = [];
      consume(run, (value) => void seen.push(value));
      await eventually(() => expect(seen).toEqual(['poison']), withinMs);
    });

    it('hands in again what the memory of the consumer has lost, and believes the wire when it remembers less', async () => {
      const run = randomUUID();
      const offsets = new RememberedOffsets();
      const seen: string[] = [];
      const consumeRemembering = () => {
        const consumption = transport.consume({
          group: run,
          topic,
          offsets,
          handle: async ({ key, value }) => void (text(key)?.startsWith(run) && seen.push(text(value)!)),
        });
        consumptions.push(consumption);
        return consumption;
      };
      await publish(run, ['key', 'first'], ['key', 'second']);
      const first = consumeRemembering();
      await eventually(() => expect(seen).toEqual(['first', 'second']), withinMs);
      await first.stop();
      // As a database set back to a copy that was made before either of them.
      offsets.places.clear();
      const second = consumeRemembering();
      await eventually(() => expect(seen).toEqual(['first', 'second', 'first', 'second']), withinMs);
      await second.stop();
      // As a topic that was made anew under a database that knows the old one.
      const known = new Map(offsets.places);
      for (const partition of known.keys()) offsets.places.set(partition, 1_000_000n);
      const third = consumeRemembering();
      await publish(run, ['key', 'third']);
      await eventually(() => expect(seen.slice(4)).toEqual(['third']), withinMs);
      await third.stop();
      expect([...offsets.places.values()].every((place) => place < 1_000_000n)).toBe(true);
    });

    it('shares the records among the consumers of a group; what one leaves the other takes', async () => {
      const run = randomUUID();
      const second = wire.connect();
      const seen: Record<'one' | 'two', string[]> = { one: [], two: [] };
      const all = () => [...seen.one, ...seen.two];
      const one = consume(run, (value) => void seen.one.push(value));
      const two = consume(run, (value) => void seen.two.push(value), { through: second });
      await eventually(() => expect([one, two].map((each) => each.state().connected)).toEqual([true, true]), withinMs);
      const values = numbers(120);
      await publish(run, ...values.map((value): [string, string] => [value, value]));
      await eventually(() => expect(new Set(all()).size).toBe(120), withinMs);
      // Each record is for one of them. While they agree on the partitions, a record may come to both.
      expect(all().length).toBeLessThan(240);
      await one.stop();
      await publish(run, ...values.map((value): [string, string] => [value, `${value} later`]));
      await eventually(
        () => expect(new Set(seen.two.filter((value) => value.endsWith('later'))).size).toBe(120),
        withinMs,
      );
      expect(seen.one.filter((value) => value.endsWith('later'))).toEqual([]);
    });
  });
}
