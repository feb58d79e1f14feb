import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureCertificates } from '../dev/certificates';
import { freePort } from '../dev/ports';
import { findProcess } from '../dev/processes/identity';
import { forgetTestProcess, rememberTestProcess } from '../dev/processes/test-registry';
import { projectRoot } from '../dev/project';
import { issueToken } from '../dev/tokens';
import { topicPrefix } from '../test/support/kafka';
import { personKey } from './handlers';
import { residentBytes } from './processor-time';
import type { Usage } from './usage';

const readyWithinMs = 60_000;
const readyPollMs = 20;
const sampleEveryMs = 100;

/** What a service is told of its surroundings. Topics are its own unless others read them: then `prefix` names them. */
export function serviceEnvironment(databaseUrl: string, brokers: readonly string[], prefix = topicPrefix()) {
  return {
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    PERSON_KEY: personKey.toString('base64'),
  };
}

/** The service as it runs in production: `node dist/main.js`, a process of its own. */
export class ServiceProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
    readonly url: string,
    readonly token: string,
    /** From its start until every check was ok. */
    readonly readyAfterMs: number,
  ) {}

  static async start(env: Record<string, string>): Promise<ServiceProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), 'medmij-bench-'));
    await ensureCertificates(dataDir);
    const token = await issueToken({ dataDir, scopes: ['authorizations:write', 'ops:read'] });
    const port = await freePort();
    const startedMs = performance.now();
    const child = spawn(process.execPath, [join(projectRoot, 'dist/main.js')], {
      cwd: projectRoot,
      env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, DATA_DIR: dataDir, PORT: String(port), ...env },
      // Its log is written in full, as in production, and kept by nobody.
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    // A run that is broken off ends what it left behind.
    const identity = child.pid ? findProcess(child.pid) : undefined;
    if (identity) {
      rememberTestProcess(identity);
      child.once('exit', () => forgetTestProcess(identity));
    }
    const url = `http://127.0.0.1:${port}`;
    await untilReady(child, url, startedMs);
    return new ServiceProcess(child, dataDir, url, token, performance.now() - startedMs);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Its own figures, asked of its metrics: processor seconds used so far, bytes held now. */
  async figures(): Promise<{ cpuS: number; rssBytes: number }> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^medmij_process_${name} (\\S+)`, 'm').exec(text)?.[1]);
    return { cpuS: value('cpu_seconds_total'), rssBytes: value('resident_memory_bytes') };
  }

  /** What it used while `work` was under way. */
  async watch<Result>(work: () => Promise<Result>): Promise<{ result: Result; usage: Usage }> {
    const before = await this.figures();
    let rssPeak = before.rssBytes;
    const timer = setInterval(() => (rssPeak = Math.max(rssPeak, residentBytes(this.pid) ?? 0)), sampleEveryMs);
    const startedMs = performance.now();
    try {
      const result = await work();
      const elapsedS = (performance.now() - startedMs) / 1e3;
      const after = await this.figures();
      rssPeak = Math.max(rssPeak, after.rssBytes);
      return { result, usage: { cores: (after.cpuS - before.cpuS) / elapsedS, rssPeakMiB: rssPeak / 2 ** 20 } };
    } finally {
      clearInterval(timer);
    }
  }

  /** `kill -9`, now. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.stop();
  }

  async stop(): Promise<void> {
    const exited = new Promise((done) => this.child.once('exit', done));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await exited;
    }
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

async function untilReady(child: ChildProcess, url: string, startedMs: number): Promise<void> {
  let last = '';
  while (performance.now() - startedMs < readyWithinMs) {
    if (child.exitCode !== null) throw new Error('The service ended while starting.');
    try {
      const { checks } = (await (await fetch(`${url}/health/ready`)).json()) as {
        checks: Record<string, { status: string }>;
      };
      if (Object.values(checks).every(({ status }) => status === 'ok')) return;
      last = JSON.stringify(checks);
    } catch {
      // Not listening yet.
    }
    await pause(readyPollMs);
  }
  child.kill('SIGKILL');
  throw new Error(`The service did not become ready: ${last}`);
}
