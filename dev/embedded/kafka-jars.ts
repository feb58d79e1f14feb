import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem';
import { cacheDirectory, projectRoot } from '../project';
import { removeUnfinished, unfinishedName } from '../unfinished';
import { isInstalled, runToEnd } from '../processes/run-to-end';

const pom = join(projectRoot, 'dev/kafka/pom.xml');
const javaAtLeast = 17;
const installJava = 'apt-get install openjdk-17-jre-headless';

export const kafkaVersion = () => /<kafka\.version>(.*)<\/kafka\.version>/.exec(readFileSync(pom, 'utf8'))![1]!;

/**
 * The Java to run the broker with.
 * @throws Problem with the command that installs one
 */
export async function findJava(): Promise<string> {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
  const instead = 'or set KAFKA_BROKERS to a Kafka of your own.';
  let output = '';
  try {
    ({ output } = await runToEnd(java, ['-version']));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Problem(
      `The embedded Kafka needs Java ${javaAtLeast} or newer, and there is no ${java}: install it (Debian, Ubuntu: ${installJava} maven), ${instead}`,
      { cause: error },
    );
  }
  const found = javaMajor(output);
  if (found === undefined || found < javaAtLeast) {
    const version = found === undefined ? 'of an unknown version' : String(found);
    throw new Problem(
      `The embedded Kafka needs Java ${javaAtLeast} or newer, and ${java} is ${version}: install it (Debian, Ubuntu: ${installJava}), ${instead}`,
    );
  }
  return java;
}

/** From the output of `java -version`; releases before 9 called themselves 1.8. */
export function javaMajor(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match ? Number(match[1]) : undefined;
}

/** The class path of the broker; fetched by Maven once for each pom.xml. */
export async function kafkaClassPath(say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const folder = join(cacheDirectory, `kafka-jars-${hash}`);
  mkdirSync(cacheDirectory, { recursive: true });
  removeUnfinished(folder);
  if (!existsSync(folder)) await fetchJars(folder, say, signal);
  return join(folder, '*');
}

/** Fetched under another name and renamed when complete, so that a download broken off is never used. */
async function fetchJars(folder: string, say: (line: string) => void, signal?: AbortSignal): Promise<void> {
  if (!(await isInstalled('mvn', '-version'))) {
    throw new Problem(
      'Maven (mvn), which fetches the embedded Kafka, is missing: install it (Debian, Ubuntu: apt-get install maven), or set KAFKA_BROKERS to a Kafka of your own.',
    );
  }
  const unfinished = unfinishedName(folder);
  mkdirSync(unfinished);
  say(`Fetching Apache Kafka ${kafkaVersion()} with Maven (about 45 MB, once) ...`);
  const fetched = { files: 0, megabytes: 0 };
  const ticking = setInterval(() => {
    say(`  Kafka: ${fetched.files} files, ${fetched.megabytes.toFixed(0)} MB fetched ...`);
  }, 5_000);
  try {
    const { code, output } = await runToEnd(
      'mvn',
      ['-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`],
      { signal, onLine: (line) => count(line, fetched) },
    );
    if (code !== 0) {
      const errors = output.split('\n').filter((line) => line.includes('[ERROR]'));
      throw new Problem(
        `Maven could not fetch the embedded Kafka:\n${errors.slice(0, 4).join('\n') || output.slice(-800)}`,
      );
    }
    if (!existsSync(folder)) renameSync(unfinished, folder);
    say(`Kafka fetched: ${readdirSync(folder).length} jars.`);
  } finally {
    clearInterval(ticking);
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Maven's line for a finished file: `Downloaded from central: https://... (1.2 MB at 3.4 MB/s)`. */
function count(line: string, fetched: { files: number; megabytes: number }): void {
  const match = /^(?:\[INFO\] )?Downloaded from .*\(([\d.]+) (B|kB|MB) at /.exec(line);
  if (!match) return;
  fetched.files += 1;
  fetched.megabytes += Number(match[1]) * { B: 1e-6, kB: 1e-3, MB: 1 }[match[2] as 'B' | 'kB' | 'MB'];
}
