import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';

/** The same from src/platform and from dist/platform (docs/adr/0006). */
const folder = resolve(__dirname, '../../migrations');
const fileName = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})-([a-z0-9-]+)\.sql$/;

/** Any number that no other advisory lock of this database uses. */
const migrationLock = 7_302_410_553;

/** Each file of migrations/ as a class that TypeORM's runner takes; the name ends in the file's moment, as it asks. */
export function migrationClasses(from = folder): (new () => MigrationInterface)[] {
  return readdirSync(from)
    .filter((file) => file.endsWith('.sql') && file !== 'schema.sql')
    .sort()
    .map((file) => {
      const match = fileName.exec(file);
      if (!match) throw new Error(`migrations/${file}: the name must look like 20260101T0900-name.sql`);
      const [, year, month, day, hour, minute, title] = match;
      const moment = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
      // A day or hour that does not exist would be taken for another one, and sorted there.
      if (new Date(moment).toISOString().slice(0, 16) !== `${year}-${month}-${day}T${hour}:${minute}`) {
        throw new Error(`migrations/${file}: there is no such moment`);
      }
      return class implements MigrationInterface {
        readonly name = `${title}-${moment}`;
        async up(runner: QueryRunner): Promise<void> {
          await runner.query(readFileSync(join(from, file), 'utf8'));
        }
        down(): Promise<void> {
          return Promise.reject(new Error('Migrations are append-only: a mistake is mended by the next one.'));
        }
      };
    });
}

/** Runs what is pending, each in its own transaction; two processes at once wait for each other. Returns the names run. */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock($1)', [migrationLock]);
    const ran = await dataSource.runMigrations({ transaction: 'each' });
    return ran.map((migration) => migration.name);
  } finally {
    await runner.query('select pg_advisory_unlock($1)', [migrationLock]).catch(() => undefined);
    await runner.release();
  }
}
