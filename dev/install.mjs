/**
 * The first file of every npm script, run before any package exists: plain JavaScript and Node's own modules only.
 * It checks the version of Node and installs the packages when they are missing or do not match package-lock.json.
 * Everything it says goes to stderr, so that `npm run --silent token` prints a token and nothing else.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const nodeAtLeast = [20, 19];
const heartbeatMs = 2_000;
/** A lock nobody touched for this long is stale whatever its process id says: ids are used again. */
const silentLockMs = 10 * 60_000;

const say = (line) => process.stderr.write(`${line}\n`);

/** One clear sentence, or undefined when this Node is new enough. */
export function nodeProblem(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  const [majorAtLeast, minorAtLeast] = nodeAtLeast;
  if (major > majorAtLeast || (major === majorAtLeast && minor >= minorAtLeast)) return undefined;
  return `Node ${majorAtLeast}.${minorAtLeast} or newer is needed and this is ${version}: install a newer one from https://nodejs.org/ and try again.`;
}

/**
 * Whether the packages on disk are those of package-lock.json. npm writes node_modules/.package-lock.json last, so an
 * install broken off half-way has none; comparing the two needs no stamp of our own and sees `npm install` by hand as well.
 */
export function packagesMatch(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (!wanted || !present) return false;
  const allWantedPresent = Object.entries(wanted).every(
    // Optional packages are those of other platforms.
    ([path, { version, optional }]) => path === '' || (present[path] ? present[path].version === version : optional),
  );
  return allWantedPresent && Object.keys(present).every((path) => wanted[path] !== undefined);
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Installs when needed; two processes at once take turns. */
export async function ensureInstalled(root = projectRoot, install = npmCi) {
  const problem = nodeProblem();
  if (problem) throw new Error(problem);
  if (packagesMatch(root)) return;
  const lock = await takeLock(join(root, '.data/install.lock'));
  try {
    // Another process may have done it while this one waited.
    if (!packagesMatch(root)) await install(root, lock);
  } finally {
    lock.release();
  }
}

async function takeLock(directory) {
  const ownerFile = join(directory, 'owner.json');
  mkdirSync(dirname(directory), { recursive: true });
  for (let waited = 0; ; waited += 1) {
    try {
      mkdirSync(directory);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale(directory, ownerFile)) {
      rmSync(directory, { recursive: true, force: true });
      continue;
    }
    if (waited === 0) say('Another process is installing the packages; waiting for it.');
    await new Promise((wake) => setTimeout(wake, 500));
  }
  const write = (pids) => writeFileSync(ownerFile, JSON.stringify({ pids }));
  write([process.pid]);
  const heartbeat = setInterval(() => {
    try {
      utimesSync(directory, new Date(), new Date());
    } catch {
      // Someone took the lock away by hand; there is nothing to keep alive.
    }
  }, heartbeatMs);
  return {
    /** npm outlives us when we are killed, and must not meet a second npm in the same folder. */
    heldBy: (childPid) => write([process.pid, childPid]),
    release() {
      clearInterval(heartbeat);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function isStale(directory, ownerFile) {
  let untouchedMs;
  try {
    untouchedMs = Date.now() - statSync(directory).mtimeMs;
  } catch {
    return false; // released this very moment
  }
  if (untouchedMs > silentLockMs) return true;
  try {
    return !JSON.parse(readFileSync(ownerFile, 'utf8')).pids.some(isAlive);
  } catch {
    // Between making the folder and writing its owner lie microseconds, unless the process was killed just there.
    return untouchedMs > 5_000;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function npmCi(root, lock) {
  say(
    `Installing the packages with npm ci (${existsSync(join(root, 'node_modules')) ? 'they changed' : 'first time'}) ...`,
  );
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const underNpm = process.env.npm_execpath?.endsWith('.js');
  const [command, ...first] = underNpm ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // NODE_ENV=production or `npm run --silent` must change neither what is installed nor what is shown.
  const options = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error', '--progress=true'];
  // A process group of its own: asked to stop, npm first finishes what it is doing, which can take minutes.
  const npm = spawn(command, [...first, ...options], { cwd: root, detached: true, stdio: ['ignore', 2, 2] });
  if (npm.pid) lock.heldBy(npm.pid);
  // On a terminal npm shows a spinner of its own.
  const ticking = process.stderr.isTTY || setInterval(() => say(`  still installing, ${seconds()} s ...`), 10_000);
  let stopped = false;
  const stop = () => {
    stopped = true;
    endGroup(npm.pid, 'SIGTERM');
    // What it leaves half-made has no .package-lock.json, so the next run begins anew.
    setTimeout(() => endGroup(npm.pid, 'SIGKILL'), 2_000).unref();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  return new Promise((done, failed) => {
    npm.once('error', (cause) => failed(new Error(`npm could not be started: ${cause.message}`, { cause })));
    npm.once('exit', (code) => {
      if (stopped) failed(new Error('Installing was stopped; the next run begins it anew.'));
      else if (code === 0) done(say(`Packages installed in ${seconds()} s.`));
      else failed(new Error(`npm ci failed (exit code ${code}); its message is above.`));
    });
  }).finally(() => {
    clearInterval(ticking);
    for (const signal of signals) process.off(signal, stop);
  });
}

function endGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
  } catch {
    // It has ended already.
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await ensureInstalled();
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
