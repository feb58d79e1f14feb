import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgetfulSettings } from './embedded/postgres';
import { Problem, Stopped } from './problem';
import { findProcess } from './processes/identity';
import { endProcessGroup, forgetTestProcess, rememberTestProcess } from './processes/test-registry';
import { cacheDirectory, projectRoot } from './project';
import { stopSignal } from './stop-signal';
import { testArguments } from './test-arguments';
import { testSummary, type JestResult } from './test-summary';
import { beginRun, endRun, startServers, temporaryFolder, type ThrowawayServers } from './throwaway-run';

/** Several services at once, each with a pool of connections. */
const postgresSettings = { ...forgetfulSettings, max_connections: '300' };

/**
 * `npm test`: jest over everything, against real servers on free ports with data that goes away afterwards.
 * `npm run test:rules`: only the tests that need no server. `npm run test:faults`: the long form of the fault suite.
 */
async function main(): Promise<void> {
  const signal = stopSignal();

  const runDirectory = await beginRun();
  let servers: ThrowawayServers | undefined;
  let result: JestResult | undefined;
  try {
    const run = testArguments(process.argv.slice(2), projectRoot);
    servers = run.servers ? await startServers(runDirectory, signal, postgresSettings) : undefined;
    result = await runJest(run.jest, runDirectory, { ...run.environment, ...servers?.environment }, signal);
  } catch (error) {
    if (!(error instanceof Stopped)) console.error(error instanceof Problem ? error.message : error);
  } finally {
    await servers?.stop();
    await endRun(runDirectory);
  }
  if (signal.aborted) console.error('The tests were stopped before their end.');
  const { line, passed } = testSummary(result);
  process.exitCode = passed && !signal.aborted ? 0 : 1;
  process.stdout.write(`${line}\n`);
}

async function runJest(
  passedOn: readonly string[],
  runDirectory: string,
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<JestResult | undefined> {
  const output = join(runDirectory, 'result.json');
  const args = ['--experimental-vm-modules', '--no-warnings', join(projectRoot, 'node_modules/jest/bin/jest.js')];
  // Kept between runs, unlike everything else jest would put in the temporary folder.
  args.push(`--cacheDirectory=${join(cacheDirectory, 'jest')}`);
  args.push('--json', `--outputFile=${output}`, ...passedOn);
  // What tests leave in the temporary folder, as when they are broken off, goes away with the run.
  const jest = spawn(process.execPath, args, {
    cwd: projectRoot,
    env: { ...process.env, ...environment, TMPDIR: temporaryFolder(runDirectory) },
    // Ctrl-C is for us alone: jest's workers would outlive it and go on.
    detached: true,
    // With --json jest prints its report for people on stderr and the JSON on stdout as well.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const leader = jest.pid ? findProcess(jest.pid) : undefined;
  // Killed ourselves, we leave jest behind: it must be known to the next run.
  if (leader) rememberTestProcess({ ...leader, leadsGroup: true });
  const end = () => leader && endProcessGroup(leader);
  signal.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | null>((done, failed) => {
    jest.once('error', failed);
    jest.once('exit', done);
  });
  if (leader) forgetTestProcess(leader);
  if (!existsSync(output)) return undefined;
  return { ...(JSON.parse(readFileSync(output, 'utf8')) as Omit<JestResult, 'exitCode'>), exitCode: code ?? 1 };
}

void main();
