import type {
  ConsumeOptions,
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
        headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, headerBytes(header)])),
        value: bytes(value),
      });
    }
    for (const wake of this.arrived.splice(0)) wake();
    return Promise.resolve();
  }

  consume({ group, topic, handle }: ConsumeOptions): Consumption {
    const place = `${group}\n${topic}`;
    let stopping = false;
    const done = (async () => {
      while (!stopping) {
        const offset = this.offsets.get(place) ?? 0;
        const record = this.log(topic)[offset];
        if (!record) {
          await new Promise<void>((resolve) => this.arrived.push(resolve));
          continue;
        }
        try {
          await handle(record);
          this.offsets.set(place, offset + 1);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
    })();
    const consumption: Consumption = {
      stop: async () => {
        stopping = true;
        for (const wake of this.arrived.splice(0)) wake();
        await done;
      },
      state: () => ({ connected: !stopping }),
    };
    this.consumptions.add(consumption);
    return consumption;
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumptions].map((consumption) => consumption.stop()));
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

function headerBytes(value: HeaderValue): HeaderValue {
  return value === undefined || Array.isArray(value) ? value : Buffer.from(value);
}
