import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { sessionName } from './database';
import { describeError, type Logger } from './logger';
import { Signal } from './signal';
import { type LoopState, type StepOutcome, WorkLoop } from './work-loop';

/** Channels are per database, so that two installations on one cluster do not wake each other. */
const channel = 'medmij_wake_up';
/** What a process sends itself to know that it still hears; no signal has this name. */
const beat = '';
const beatEveryMs = 10_000;
/** Pause after each NOTIFY: what is raised meanwhile goes out together. One raised after a quiet time goes at once. */
const tellPauseMs = 5;
const answerWithinMs = 5_000;

/**
 * Carries signals between the processes on one database, by NOTIFY and LISTEN on a connection of its own: a NOTIFY inside an
 * append would make all appends commit one after the other (it took 14,200 a second to 4,100). While the connection is away it
 * says so in `state()`, `Signal.isShared` is false, so that everybody looks more often, and it tries again with growing pauses.
 */
export class WakeUp {
  private readonly signals = new Map<string, Signal>();
  private readonly untold = new Set<string>();
  private readonly lost = new Signal();
  private readonly loop: WorkLoop;
  /** Only while it is known to hear. */
  private client?: Client;
  private telling?: Promise<void>;
  private beats = 0;

  constructor(
    private readonly url: string,
    private readonly log: Logger,
  ) {
    this.loop = new WorkLoop({
      name: 'wake-up',
      step: () => this.step(),
      idleMs: beatEveryMs,
      wakeUp: this.lost,
      log,
    });
  }

  /** The signal of this name in every process, named by its purpose and, where there is one, its log. */
  signal(name: string): Signal {
    const known = this.signals.get(name);
    if (known) return known;
    const signal = new Signal({ tell: () => this.tell(name), isOpen: () => this.client !== undefined });
    this.signals.set(name, signal);
    return signal;
  }

  start(): void {
    this.loop.start();
  }

  /** Still tells what was raised before. */
  async stop(): Promise<void> {
    await this.loop.stop();
    await this.telling;
    const { client } = this;
    this.client = undefined;
    // A connection that is silent would never say goodbye.
    await Promise.race([client?.end(), pause(answerWithinMs, undefined, { ref: false })]);
  }

  state(): LoopState {
    return this.loop.state();
  }

  private async step(): Promise<StepOutcome> {
    if (this.client) {
      const { client } = this;
      await this.proveHearing(client).catch((error: Error) => {
        this.forget(client, error);
        throw error;
      });
    } else {
      this.client = await this.connect();
      // Whatever was raised while nobody heard: everybody looks once, here and elsewhere.
      for (const [name, signal] of this.signals) {
        signal.raiseHere();
        this.tell(name);
      }
    }
    return 'idle';
  }

  private async connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.url,
      application_name: `${sessionName} wake-up`,
      keepAlive: true,
      connectionTimeoutMillis: answerWithinMs,
      query_timeout: answerWithinMs,
    });
    let broken: Error | undefined;
    const onEnd = (error?: Error) => {
      broken ??= error ?? new Error('The connection ended.');
      this.forget(client, broken);
    };
    client.on('error', onEnd);
    client.on('end', onEnd);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      client.on('notification', ({ processId, payload = beat }) => {
        const isOwn = processId === rows[0]!.pid;
        if (isOwn && payload === beat) this.beats += 1;
        // What this process told the others it has raised itself.
        if (!isOwn) this.signals.get(payload)?.raiseHere();
      });
      await client.query(`listen ${channel}`);
      await this.proveHearing(client);
      if (broken) throw broken;
      return client;
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
  }

  /** PostgreSQL delivers what a connection tells itself before the answer; a pooler in between may not deliver it at all. */
  private async proveHearing(client: Client): Promise<void> {
    const before = this.beats;
    await notify(client, [beat]);
    if (this.beats === before) throw new Error('NOTIFY does not come back on the connection that listens.');
  }

  private forget(client: Client, error: Error): void {
    if (this.client !== client) return;
    this.log.warn({ error: describeError(error) }, 'wake_up.lost');
    this.client = undefined;
    void client.end().catch(() => undefined);
    this.lost.raise();
  }

  /** What cannot be told is dropped: at the next connection everybody looks anyway. */
  private tell(name: string): void {
    if (!this.client) return;
    this.untold.add(name);
    this.telling ??= this.tellAll();
  }

  /** At most one NOTIFY is under way. */
  private async tellAll(): Promise<void> {
    while (this.untold.size > 0 && this.client) {
      const { client } = this;
      const names = [...this.untold];
      this.untold.clear();
      await notify(client, names).catch((error: Error) => this.forget(client, error));
      await pause(tellPauseMs);
    }
    this.untold.clear();
    this.telling = undefined;
  }
}

async function notify(client: Client, payloads: readonly string[]): Promise<void> {
  await client.query({
    name: 'wake-up.notify',
    text: 'select pg_notify($1, payload) from unnest($2::text[]) as told (payload)',
    values: [channel, payloads],
  });
}
