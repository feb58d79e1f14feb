import { quiet, say } from './console';

/** In the order they are needed; they stop in the opposite one. */
const order = ['PostgreSQL', 'Kafka', 'sample client', 'service'] as const;
export type PartName = (typeof order)[number];

export interface Part {
  readonly exited: Promise<void>;
  readonly logFile?: string;
  stop(): Promise<void>;
}

/** What runs, so that whatever happens everything that was started is also stopped. */
export class Parts {
  private readonly running = new Map<PartName, Part>();

  add(name: PartName, part: Part): void {
    this.running.set(name, part);
  }

  /** The first that ends without being asked. */
  firstDeath(): Promise<{ name: PartName; part: Part }> {
    return Promise.race([...this.running].map(async ([name, part]) => (await part.exited, { name, part })));
  }

  async stop(name: PartName): Promise<void> {
    const part = this.running.get(name);
    this.running.delete(name);
    await part?.stop();
  }

  async stopAll(): Promise<void> {
    if (this.running.size === 0) return;
    say('\nStopping ...');
    for (const name of order.toReversed().filter((candidate) => this.running.has(candidate))) {
      say(quiet(`  stopping: ${name}`));
      await this.stop(name).catch((error: unknown) => console.error(`${name} could not be stopped:`, error));
    }
    say('Stopped.');
  }
}
