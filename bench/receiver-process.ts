import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CertifiedKey } from '../dev/certificates';

const pollMs = 20;
const arriveWithinMs = 300_000;

/** A notification as it came in. */
export interface Arrival {
  readonly correlationId: string;
  readonly subscriptionId: string;
  readonly endDate: string | undefined;
  /** Host that was called. */
  readonly clientId: string;
  /** Milliseconds since 1970, of this machine's clock. */
  readonly atMs: number;
  /** False when it was left without an answer. */
  readonly answered: boolean;
}

export interface Behaviour {
  /** Hosts that take a notification and never answer. */
  readonly hanging: readonly string[];
  /** Before each answer, in milliseconds. */
  readonly delayMs: number;
}

export type ReceiverOrder =
  | { kind: 'listen'; identity: CertifiedKey; trusted: string }
  | { kind: 'behave'; behaviour: Behaviour }
  | { kind: 'take' };

/** The process that plays every client behind mutual TLS: sending and receiving do not share an event loop. */
export class Receiver {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(identity: CertifiedKey, authority: CertifiedKey): Promise<Receiver> {
    const child = fork(join(__dirname, 'receiver.ts'), [], { execArgv: ['--require', 'tsx/cjs'] });
    const port = (await ask(child, { kind: 'listen', identity, trusted: authority.certificate })) as number;
    return new Receiver(child, port);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async behave(behaviour: Partial<Behaviour>): Promise<void> {
    await ask(this.child, { kind: 'behave', behaviour: { hanging: [], delayMs: 0, ...behaviour } });
  }

  /** What came since the last time, in its order. */
  async take(): Promise<Arrival[]> {
    return (await ask(this.child, { kind: 'take' })) as Arrival[];
  }

  /** Until so many have come. */
  async takeAtLeast(count: number): Promise<Arrival[]> {
    const taken: Arrival[] = [];
    const endMs = performance.now() + arriveWithinMs;
    while (taken.length < count) {
      if (performance.now() > endMs) throw new Error(`Of ${count} notifications ${taken.length} came.`);
      taken.push(...(await this.take()));
      await pause(pollMs);
    }
    return taken;
  }

  stop(): void {
    this.child.disconnect();
  }
}

async function ask(child: ChildProcess, order: ReceiverOrder): Promise<unknown> {
  child.send(order);
  const [answer] = (await once(child, 'message')) as [unknown];
  return answer;
}
