import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Client } from 'pg';

/** Kernel ticks a second: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly name: string;
  readonly parent: number;
  /** Its own and that of its children that have ended. */
  readonly cpuS: number;
}

/**
 * Processor seconds used so far by these processes and by PostgreSQL with all its sessions. Undefined where that cannot be
 * known: not on Linux, or a database on another machine.
 */
export async function processorSeconds(client: Client, pids: readonly number[]): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const session = timesOf(rows[0]!.pid);
  if (session?.name !== 'postgres') return undefined;
  const sessions = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((times) => times?.parent === session.parent);
  const others = [session.parent, ...pids].map(timesOf);
  return [...sessions, ...others].reduce((sum, times) => sum + (times?.cpuS ?? 0), 0);
}

/** Memory that a process holds now; undefined where that cannot be known without asking it. Asking would be work for it. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process (any more). */
function timesOf(pid: number): ProcessTimes | undefined {
  const file = `/proc/${pid}/stat`;
  try {
    if (!existsSync(file)) return undefined;
    const text = readFileSync(file, 'utf8');
    // The name in brackets may hold anything; what follows it are numbers, beginning with the third field of proc(5).
    const [nameFrom, nameTo] = [text.indexOf('('), text.lastIndexOf(')')];
    const fields = text.slice(nameTo + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    const [userTime, childrensSystemTime] = [14, 17];
    let ticks = 0;
    for (let number = userTime; number <= childrensSystemTime; number += 1) ticks += field(number);
    return { name: text.slice(nameFrom + 1, nameTo), parent: field(4), cpuS: ticks / ticksPerSecond };
  } catch {
    return undefined;
  }
}
