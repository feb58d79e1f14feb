import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync } from 'node:fs';
import { Problem } from '../problem';

/** The user PostgreSQL runs as when we are root, for it refuses to be root itself. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Undefined for an ordinary user: the server then runs as that user. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
    if (uid?.status === 0 && gid?.status === 0) return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Problem(
    'PostgreSQL refuses to run as root, and there is no user postgres or nobody: start as an ordinary user.',
  );
}

/**
 * Where files go that the server's user cannot reach inside the project. Not below a temporary folder: those are
 * emptied, and on a shared machine somebody else could have made the folder first.
 */
export function systemDirectory(): string {
  const directory = '/var/lib/medmij-subscriptions';
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== 0) throw new Problem(`${directory} exists but does not belong to root.`);
  return directory;
}

/** Whether that user can write there, through every folder above. */
export const canWrite = (directory: string, user: ServerUser) =>
  spawnSync('/bin/sh', ['-c', 'test -w "$0" && test -x "$0"', directory], { uid: user.uid, gid: user.gid, cwd: '/' })
    .status === 0;
