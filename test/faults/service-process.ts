import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const projectRoot = resolve(__dirname, '../..');
const startWithinMs = 40_000;

/** The service as it runs in production: a process of its own, which can be killed. Everything it says goes to a file. */
export class ServiceProcess {
  private child?: ChildProcess;
  private exited: Promise<number | null> = Promise.resolve(null);
  private isAskedToEnd = false;
  /** When it ended by itself, and how. */
  readonly deaths: string[] = [];

  constructor(
    readonly name: string,
    private readonly env: Record<string, string>,
    readonly port: number,
    readonly logFile: string,
  ) {}

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get roles(): string[] {
    return (this.env.ROLES ?? 'api,relay,projector,delivery,scheduler').split(',');
  }

  isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Until it answers. @throws when it ends instead, or takes too long */
  async start(): Promise<void> {
    mkdirSync(dirname(this.logFile), { recursive: true });
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, [join(projectRoot, 'dist/main.js')], {
      cwd: projectRoot,
      env: { PATH: process.env.PATH, ...this.env, PORT: String(this.port) },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child = child;
    this.isAskedToEnd = false;
    this.exited = new Promise((done) => child.once('exit', (code) => done(code)));
    const end = performance.now() + startWithinMs;
    for (;;) {
      const answer = await fetch(`${this.baseUrl}/health/live`).catch(() => undefined);
      if (answer?.status === 200) return this.watch(child);
      if (!this.isRunning() || performance.now() > end) {
        await this.kill();
        throw new Error(`${this.name} did not start:\n${this.lines().slice(-5).join('\n')}`);
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  /** From here on it is not to end unless somebody asks. */
  private watch(child: ChildProcess): void {
    child.once('exit', (code) => {
      if (!this.isAskedToEnd) this.deaths.push(`${this.name} ended by itself with ${code}`);
    });
  }

  /** `kill -9`, now. */
  async kill(): Promise<void> {
    this.isAskedToEnd = true;
    this.child?.kill('SIGKILL');
    await this.exited;
  }

  /** Stands still as a process of an overloaded machine does, and wakes up late. */
  async freezeFor(ms: number): Promise<void> {
    this.freeze();
    await new Promise((wake) => setTimeout(wake, ms));
    this.wakeUp();
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  wakeUp(): void {
    this.child?.kill('SIGCONT');
  }

  /** Asks it to stop; its exit code. */
  async stop(): Promise<number | null> {
    this.isAskedToEnd = true;
    this.child?.kill('SIGTERM');
    return this.exited;
  }

  lines(): string[] {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(0, -1);
  }

  /** Readers of the log that it took over, by name. */
  tookOver(): string[] {
    return this.lines()
      .filter((line) => line.includes('"log.reader.took_over"'))
      .map((line) => (JSON.parse(line) as { reader: string }).reader);
  }
}
