import { readDatabaseUrl } from './config';
import { Database, migrate } from './platform';

/** `npm run migrate`: brings the database to the present schema; running it twice, or twice at once, does no harm. */
async function main(): Promise<void> {
  const database = await Database.connectPatiently(readDatabaseUrl(process.env), 'medmij-subscriptions migrate');
  try {
    const ran = await migrate(database.dataSource);
    process.stdout.write(ran.length === 0 ? 'The schema is up to date.\n' : `Migrated: ${ran.join(', ')}\n`);
  } finally {
    await database.close();
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
