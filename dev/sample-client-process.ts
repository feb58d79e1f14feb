import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Parts } from './parts';
import { Problem, Stopped } from './problem';
import { startServerProcess } from './processes/server-process';
import { projectRoot } from './project';
import { logTail } from './service';
import type { Settings } from './settings';

/** On its command line, so that a later run knows one left behind. */
export const sampleClientEntry = join(projectRoot, 'dev/sample-client/main.ts');
export const sampleClientStopMs = 5_000;

export async function startSampleClient(
  settings: Settings,
  recordFile: string,
  parts: Parts,
  signal: AbortSignal,
): Promise<void> {
  const logFile = join(settings.dataDir, 'logs/sample-client.log');
  const client = await startServerProcess({
    command: process.execPath,
    args: ['--import', 'tsx', sampleClientEntry],
    cwd: projectRoot,
    env: { ...process.env, DATA_DIR: settings.dataDir },
    logFile,
    recordFile,
  });
  parts.add('sample client', {
    exited: client.exited,
    logFile,
    stop: () => client.stop('SIGTERM', sampleClientStopMs),
  });
  while (!(await answers(`http://127.0.0.1:${settings.sampleClientPort}/notifications`))) {
    if (!client.isRunning()) throw new Problem(`The sample client ended while starting.${logTail(logFile)}`);
    if (signal.aborted) throw new Stopped();
    await pause(100);
  }
}

const answers = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
