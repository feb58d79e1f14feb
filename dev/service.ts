import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Parts } from './parts';
import { Problem, Stopped } from './problem';
import { startServerProcess, type ServerProcess } from './processes/server-process';
import { projectRoot } from './project';
import type { Settings } from './settings';

/** On the command line of our service, so that a later run knows one left behind. */
export const serviceEntry = join(projectRoot, 'dist/main.js');
export const serviceStopMs = 40_000;
const readyWithinMs = 60_000;
const logSizeMax = 20_000_000;

export interface ServiceOptions {
  readonly settings: Settings;
  readonly environment: NodeJS.ProcessEnv;
  readonly recordFile: string;
  /** Undefined: to the console. */
  readonly logFile: string | undefined;
}

/** Starts the service and waits until every check is ok; one that serves but stays degraded is given back as such. */
export async function bringUpService(
  options: ServiceOptions,
  parts: Parts,
  signal: AbortSignal,
): Promise<'ok' | 'degraded'> {
  const service = await startService(options);
  // Before it is ready, so that it is stopped also when it never gets there.
  parts.add('service', {
    exited: service.exited,
    logFile: options.logFile,
    stop: () => service.stop('SIGTERM', serviceStopMs),
  });
  return whenReady(service, options, signal);
}

async function startService({ environment, recordFile, logFile }: ServiceOptions): Promise<ServerProcess> {
  if (logFile && existsSync(logFile) && statSync(logFile).size > logSizeMax) renameSync(logFile, `${logFile}.1`);
  return startServerProcess({
    command: process.execPath,
    args: ['--enable-source-maps', serviceEntry],
    cwd: projectRoot,
    env: environment,
    logFile,
    recordFile,
  });
}

interface Readiness {
  readonly status: string;
  readonly checks: Record<string, { status: string; reason?: string }>;
}

/** @throws Problem when it ends or never serves */
async function whenReady(
  service: ServerProcess,
  options: ServiceOptions,
  signal: AbortSignal,
): Promise<'ok' | 'degraded'> {
  const deadline = Date.now() + readyWithinMs;
  let last: Readiness | undefined;
  let serves = false;
  while (Date.now() < deadline) {
    if (signal.aborted) throw new Stopped();
    if (!service.isRunning()) throw new Problem(`The service ended while starting.${logTail(options.logFile)}`);
    try {
      const response = await fetch(`${options.settings.serviceUrl}/health/ready`, {
        signal: AbortSignal.timeout(2_000),
      });
      last = (await response.json()) as Readiness;
      serves = response.ok;
      if (serves && last.status === 'ok') return 'ok';
    } catch {
      // Not listening yet.
    }
    await pause(100);
  }
  if (serves) return 'degraded';
  throw new Problem(
    `The service did not become ready within ${readyWithinMs / 1000} s. ${failing(last)}${logTail(options.logFile)}`,
  );
}

const failing = (last: Readiness | undefined) =>
  last
    ? Object.entries(last.checks)
        .filter(([, check]) => check.status !== 'ok')
        .map(([name, check]) => `${name}: ${check.reason ?? check.status}.`)
        .join(' ')
    : 'It never answered.';

/** The end of its log, for a message. */
export function logTail(logFile: string | undefined): string {
  if (!logFile || !existsSync(logFile)) return '';
  return `\nThe end of ${logFile}:\n${readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n')}`;
}
