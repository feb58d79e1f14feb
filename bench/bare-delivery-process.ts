import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CertifiedKey } from '../dev/certificates';

export interface BareDeliveryStart {
  readonly databaseUrl: string;
  readonly identity: CertifiedKey;
  readonly trusted: string;
  readonly hosts: readonly string[];
  readonly port: number;
}

export type BareDeliveryOrder = { start: BareDeliveryStart } | { send: number };

/** The bare loop, in a process of its own as the service is. */
export class BareDelivery {
  private constructor(private readonly child: ChildProcess) {}

  static async start(start: BareDeliveryStart): Promise<BareDelivery> {
    const child = fork(join(__dirname, 'bare-delivery.ts'), [], { execArgv: ['--require', 'tsx/cjs'] });
    const bare = new BareDelivery(child);
    await bare.ask({ start });
    return bare;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Puts `count` notifications into its table, then sends them all. @returns when the last one was completed, in ms since 1970 */
  async send(count: number): Promise<number> {
    return (await this.ask({ send: count })) as number;
  }

  stop(): void {
    this.child.disconnect();
  }

  /** @throws Error when a notification was not accepted */
  private async ask(order: BareDeliveryOrder): Promise<unknown> {
    this.child.send(order);
    const [answer] = (await once(this.child, 'message')) as [{ error: string } | { done: unknown }];
    if ('error' in answer) throw new Error(answer.error);
    return answer.done;
  }
}
