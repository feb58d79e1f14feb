import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { Database, migrate } from '../../src/platform';

const migrationsFolder = join(__dirname, '../../migrations');
/** Any number: serialises the making of the template among test files. */
const templateLock = 4_100_200_300;

/** A migrated database of its own for one test file; dropped with `drop`. */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** The cluster's maintenance connection, as `npm test` provides it. */
export function clusterUrl(): string {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('DATABASE_URL is not set: run tests with `npm test -- <path>`.');
  return url;
}

/** Clones a template that is migrated once for each state of the migrations. */
export async function createDatabase(cluster = clusterUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = `template_${migrationsDigest()}`;
  await onCluster(cluster, async (client) => {
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    const present = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (present.rowCount === 0) await makeTemplate(cluster, client, template);
    await client.query(`create database ${name} template ${template}`);
  });
  return { url: databaseUrl(cluster, name), drop: () => dropDatabase(cluster, name) };
}

/** A database without any table. */
export async function createEmptyDatabase(cluster = clusterUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await onCluster(cluster, (client) => client.query(`create database ${name}`));
  return { url: databaseUrl(cluster, name), drop: () => dropDatabase(cluster, name) };
}

async function makeTemplate(cluster: string, client: Client, template: string): Promise<void> {
  const unfinished = `${template}_unfinished`;
  await client.query(`drop database if exists ${unfinished} with (force)`);
  await client.query(`create database ${unfinished}`);
  const database = await Database.connect(databaseUrl(cluster, unfinished));
  await migrate(database.dataSource);
  await database.close();
  await client.query(`alter database ${unfinished} rename to ${template}`);
}

async function dropDatabase(cluster: string, name: string): Promise<void> {
  await onCluster(cluster, (client) => client.query(`drop database if exists ${name} with (force)`));
}

async function onCluster(cluster: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: cluster });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(cluster: string, name: string): string {
  const url = new URL(cluster);
  url.pathname = `/${name}`;
  return url.href;
}

function migrationsDigest(): string {
  const digest = createHash('sha256');
  const files = readdirSync(migrationsFolder).filter((file) => file.endsWith('.sql') && file !== 'schema.sql');
  for (const file of files.sort()) digest.update(file).update(readFileSync(join(migrationsFolder, file)));
  return digest.digest('hex').slice(0, 16);
}
