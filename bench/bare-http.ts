import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Load } from './closed-loop';
import { HttpLoad } from './http-load-process';

/** The same load generator against a server that does nothing: the part of an HTTP figure that is HTTP's own. */
export async function bareHttp(connections: number, seconds: number): Promise<Load> {
  const server = fork(join(__dirname, 'bare-http-server.ts'), [], { execArgv: ['--require', 'tsx/cjs'] });
  const [url] = (await once(server, 'message')) as [string];
  const load = HttpLoad.start(url, 'nobody', connections, 0);
  try {
    // A first round compiles the code of both sides.
    await load.run(seconds);
    return (await load.run(seconds)).load;
  } finally {
    load.stop();
    server.disconnect();
  }
}
