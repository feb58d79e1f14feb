import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { runToEnd } from '../dev/processes/run-to-end';

/** One person's start and three changes, each a call of the append function and a transaction of its own. */
const calls = 4;
const script = `\\set n random(1, 4000000000000000000)
${Array.from({ length: calls }, (_, version) => callSql(version)).join('\n')}
`;

function callSql(version: number): string {
  const person =
    version === 0
      ? `decode(md5('h' || :n), 'hex'), md5('p' || :n)::uuid, decode(md5('s' || :n) || repeat('ab', 100), 'hex'), 'pgbench'`
      : 'null, null, null, null';
  const data = `'{"subscription_id":"', md5('p' || :n), '","client_id":"localhost","provider":"eenofanderezorgaanbieder","service_id":"42","end_date":"2027-01-01","interface_version":"3.0.0","authorization_id":"', :n, '"}'`;
  return (
    `select append_events('main', ${person}, md5('t' || :n)::uuid, ${version}, '2027-01-01', 'pgbench-' || :n || '-${version}', ` +
    `decode(md5('f' || :n), 'hex'), '{"status":"active","end_date":"2027-01-01","version":1}', array[gen_random_uuid()], ` +
    `array['nl.medmij.subscription.started.v1'], array[concat(${data})], '{"correlation_id":"b","causation_id":"b"}', now());`
  );
}

/** Calls of the append function a second by pgbench, where the machine has it: the same work without any JavaScript. */
export async function pgbenchAppends(
  databaseUrl: string,
  clients: number,
  seconds: number,
): Promise<number | undefined> {
  const program = findPgbench();
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'medmij-pgbench-'));
  try {
    const file = join(folder, 'append.sql');
    writeFileSync(file, script);
    const { hostname, port, username, password, pathname } = new URL(databaseUrl);
    const { code, output } = await runToEnd(
      program,
      ['-n', '-f', file, '-c', String(clients), '-j', '1', '-T', String(Math.max(1, Math.ceil(seconds)))],
      {
        env: {
          ...process.env,
          PGHOST: hostname,
          PGPORT: port || '5432',
          PGUSER: decodeURIComponent(username),
          PGPASSWORD: decodeURIComponent(password),
          PGDATABASE: pathname.slice(1),
        },
      },
    );
    const transactions = /^tps = ([\d.]+)/m.exec(output)?.[1];
    if (code !== 0 || transactions === undefined) throw new Error(`pgbench failed:\n${output}`);
    return Number(transactions) * calls;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function findPgbench(): string | undefined {
  const versions = '/usr/lib/postgresql';
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []),
  ];
  return folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file));
}
