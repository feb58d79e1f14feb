import type {
  ConsumeOptions,
  ConsumerOffsets,
  Consumption,
  EventTransport,
  HeaderValue,
  IncomingRecord,
  OutgoingRecord,
} from './event-transport';

/** The wire without a wire, for the contract suite: one partition a topic, groups that remember where they are. */
export class InMemoryTransport implements EventTransport {
  private readonly logs = new Map<string, IncomingRecord[]>();
  private readonly offsets = new Map<string, number>();
  private readonly owners = new Map<string, Promise<void>>();
  private readonly consumptions = new Set<Consumption>();
  private arrived: (() => void)[] = [];

  publish(records: readonly OutgoingRecord[]): Promise<void> {
    for (const { topic, key, headers, value } of records) {
      const log = this.log(topic);
      log.push({
        topic,
        partition: 0,
        offset: String(log.length),
        key: bytes(key),
        headers: headerBytes(headers),
        value: bytes(value),
      });
    }
    for (const wake of this.arrived.splice(0)) wake();
    return Promise.resolve();
  }

  consume({ group, topic, handle, offsets }: ConsumeOptions): Consumption {
    const place = `${group}\n${topic}`;
    let stopping = false;
    let failing: { failingSince: number; lastError: string } | undefined;
    const work = async () => {
      if (offsets) await this.begin(place, offsets);
      while (!stopping) {
        const offset = this.offsets.get(place) ?? 0;
        const record = this.log(topic)[offset];
        if (!record) {
          await new Promise<void>((resolve) => this.arrived.push(resolve));
          continue;
        }
        try {
          await handle(record);
          await offsets?.save(0, BigInt(offset + 1));
          this.offsets.set(place, offset + 1);
          failing = undefined;
        } catch (error) {
          failing = { failingSince: failing?.failingSince ?? performance.now(), lastError: (error as Error).message };
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
    };
    // The only partition belongs to one consumer of a group; the next one gets it when that one stops.
    const done = (this.owners.get(place) ?? Promise.resolve()).then(work);
    this.owners.set(place, done);
    const consumption: Consumption = {
      stop: async () => {
        stopping = true;
        for (const wake of this.arrived.splice(0)) wake();
        await done;
      },
      state: () => ({ connected: !stopping, ...failing }),
    };
    this.consumptions.add(consumption);
    return consumption;
  }

  /** It keeps no times: everything since the beginning. */
  readBack(topic: string, header: string): Promise<string[]> {
    const values = this.log(topic).map(({ headers }) => headers[header]?.toString());
    return Promise.resolve(values.filter((value) => value !== undefined));
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumptions].map((consumption) => consumption.stop()));
  }

  /** At the earlier of the two places, as `ConsumerOffsets` has it. */
  private async begin(place: string, offsets: ConsumerOffsets): Promise<void> {
    const own = Number((await offsets.read()).get(0) ?? 0n);
    const wire = this.offsets.get(place) ?? 0;
    this.offsets.set(place, Math.min(own, wire));
    if (own > wire) await offsets.setBack(0, BigInt(wire));
  }

  private log(topic: string): IncomingRecord[] {
    const log = this.logs.get(topic) ?? [];
    this.logs.set(topic, log);
    return log;
  }
}

function bytes(value: string | Buffer | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

function headerBytes(headers: OutgoingRecord['headers']): IncomingRecord['headers'] {
  const present = Object.entries(headers).filter(
    (entry): entry is [string, NonNullable<HeaderValue>] => entry[1] !== undefined,
  );
  return Object.fromEntries(
    present.map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((one) => Buffer.from(one)) : Buffer.from(value),
    ]),
  );
}
