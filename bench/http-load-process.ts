import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Load } from './closed-loop';

export interface HttpLoadOrder {
  readonly seconds: number;
}

export type HttpLoadAnswer = { load: Load; committed: number[] } | { error: string };

/** The load generator, in its own process. */
export class HttpLoad {
  private constructor(private readonly child: ChildProcess) {}

  /** Marks above `firstMark` are its own. */
  static start(url: string, token: string, connections: number, firstMark: number): HttpLoad {
    const args = [url, token, String(connections), String(firstMark)];
    return new HttpLoad(fork(join(__dirname, 'http-load.ts'), args, { execArgv: ['--require', 'tsx/cjs'] }));
  }

  /** @throws Error when a request got another answer than the one it had to get */
  async run(seconds: number): Promise<{ load: Load; committed: number[] }> {
    this.child.send({ seconds } satisfies HttpLoadOrder);
    const [answer] = (await once(this.child, 'message')) as [HttpLoadAnswer];
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.child.disconnect();
  }
}
