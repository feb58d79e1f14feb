import { logName, readDatabaseUrl } from './config';
import { EpochRefused, EpochStore, LogReader } from './event-store';
import { Database, sessionName } from './platform';

/** Done; refused or failed; not understood. */
const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

interface Subcommand {
  does: string;
  /** Returns what to print. */
  run(database: Database): Promise<string>;
}

/** What operators do at the database itself, while the service is stopped or cannot start. */
const subcommands: Record<string, Subcommand> = {
  'raise-epoch': {
    does: 'after a restore into another cluster: lets the log go on where transaction ids are lower (docs/operations.md)',
    run: async (database) => {
      const epoch = await new EpochStore(database, new LogReader(database, logName)).raise();
      return `The epoch of the log "${logName}" is ${epoch} now; the service can start.`;
    },
  },
};

/** `node dist/ops-cli.js <subcommand>`, in development `npm run ops -- <subcommand>`. Needs nothing but `DATABASE_URL`. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === 'help') {
    process.stdout.write(usage());
    return exitCodes.done;
  }
  const subcommand = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (!subcommand || rest.length > 0) {
    process.stderr.write(usage());
    return exitCodes.usage;
  }
  const database = await Database.connect(readDatabaseUrl(process.env), `${sessionName} ops`);
  try {
    process.stdout.write(`${await subcommand.run(database)}\n`);
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof EpochRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return exitCodes.failed;
  } finally {
    await database.close();
  }
}

function usage(): string {
  const lines = Object.entries(subcommands).map(([name, { does }]) => `  ${name}  ${does}`);
  return `Usage: node dist/ops-cli.js <subcommand>, with DATABASE_URL set\n${lines.join('\n')}\n`;
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = exitCodes.failed;
  },
);
