import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { markOf } from './person-life';
import type { Arrival } from './receiver-process';

const pollMs = 20;
/** A reader that has not gone on by then is said to have taken so long. */
const lookForMs = 18_000;
/** Held at all times by one process, and without a checkpoint. */
const leasesAlone: ReadonlySet<string> = new Set(['expiry']);
const wallMs = () => performance.timeOrigin + performance.now();

interface Reader {
  name: string;
  fence: string;
  position: string;
}

/** What was under way when a process was killed, and when each kind of work went on. */
export class KillWatch {
  private readonly goneOnMs = new Map<string, number>();
  readonly resumed = { readersS: 0, intakeS: 0, deliveryS: 0 };

  private constructor(
    private readonly client: Client,
    private readonly killedMs: number,
    private readonly before: readonly Reader[],
    /** Marks of what may come twice: sent and not recorded, published and not behind the checkpoint. */
    readonly underWay: { sending: ReadonlySet<number>; unpublished: ReadonlySet<number> },
  ) {}

  static async of(client: Client, kill: () => Promise<void>): Promise<KillWatch> {
    const killedMs = wallMs();
    await kill();
    // Its sessions may still finish a statement that the database had received whole; nothing it wrote comes later than this.
    const [before, sending, unpublished] = [
      (await readers(client)).filter(isAlwaysHeld),
      await marksOf(client, sendingSql),
      await marksOf(client, unpublishedSql),
    ];
    return new KillWatch(client, killedMs, before, { sending, unpublished });
  }

  /** Until every lease has been taken over and every checkpoint that had moved moves again. */
  async look(): Promise<void> {
    while (this.goneOnMs.size < this.before.length && wallMs() < this.killedMs + lookForMs) {
      const now = new Map((await readers(this.client)).map((reader) => [reader.name, reader]));
      for (const { name, fence, position } of this.before) {
        const { fence: newFence, position: newPosition } = now.get(name)!;
        const goesOn = newFence !== fence && (newPosition !== position || leasesAlone.has(name));
        if (goesOn && !this.goneOnMs.has(name)) this.goneOnMs.set(name, wallMs());
      }
      await pause(pollMs);
    }
  }

  /** From all that was sent in and all that reached a client, how long the longest took after the kill. */
  async measure(sentMs: ReadonlyMap<number, number>, arrivals: readonly Arrival[]): Promise<void> {
    const { rows } = await this.client.query<{ authorization_id: string; at: Date }>(recordedSql);
    const recordedMs = new Map(rows.map(({ authorization_id, at }) => [markOf(authorization_id), at.getTime()]));
    const arrivedMs = new Map<number, number>();
    for (const { correlationId, atMs } of arrivals) arrivedMs.set(markOf(correlationId), atMs);
    const longest = (from: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>) =>
      Math.max(
        0,
        ...[...from].map(([mark, fromMs]) => {
          const toMs = to.get(mark) ?? Number.POSITIVE_INFINITY;
          // What was done before this kill, or begun after the next one, says nothing about it.
          return toMs < this.killedMs ? 0 : (toMs - Math.max(fromMs, this.killedMs)) / 1e3;
        }),
      );
    this.resumed.readersS = Math.max(
      ...this.before.map(({ name }) => ((this.goneOnMs.get(name) ?? Number.POSITIVE_INFINITY) - this.killedMs) / 1e3),
    );
    this.resumed.intakeS = longest(sentMs, recordedMs);
    this.resumed.deliveryS = longest(recordedMs, arrivedMs);
  }

  summary(): string {
    const { readersS, intakeS, deliveryS } = this.resumed;
    const each = this.before.map(({ name }) => {
      const atMs = this.goneOnMs.get(name);
      return `${name} ${atMs === undefined ? 'never' : ((atMs - this.killedMs) / 1e3).toFixed(1)}`;
    });
    return [
      `readers ${readersS.toFixed(1)} s (${each.join(', ')})`,
      `intake ${intakeS.toFixed(1)} s`,
      `delivery ${deliveryS.toFixed(1)} s`,
      `${this.underWay.sending.size} were being sent`,
    ].join(', ');
  }
}

async function readers(client: Client): Promise<Reader[]> {
  const { rows } = await client.query<Reader>(
    `select name, fence::text as fence, log_position(epoch, xid, pos) as position from log_reader`,
  );
  return rows;
}

/** Readers of the log, and who does what falls due; others take a lease only now and then. */
const isAlwaysHeld = ({ name, position }: Reader) => /[1-9a-f]/.test(position) || leasesAlone.has(name);

async function marksOf(client: Client, sql: string): Promise<Set<number>> {
  const { rows } = await client.query<{ id: string }>(sql);
  return new Set(rows.map(({ id }) => markOf(id)));
}

const sendingSql = `select correlation_id as id from delivery where state = 'sending'`;

const unpublishedSql = `
  select e.data ->> 'authorization_id' as id from event e
  join log_reader r on r.name = 'relay' and (e.epoch, e.xid, e.pos) > (r.epoch, r.xid, r.pos)`;

const recordedSql = `select data ->> 'authorization_id' as authorization_id, recorded_at as at from event`;
