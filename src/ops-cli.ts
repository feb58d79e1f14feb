import { logName, readDatabaseUrl, readOpsAccess } from './config';
import { EpochRefused, EpochStore, LogReader } from './event-store';
import { isOpsCommand, type OpsEnd, opsUsage, runOpsCommand } from './ops-commands';
import { Database, sessionName } from './platform';

const exitCodes: Record<OpsEnd, number> = { done: 0, failed: 1, usage: 2 };

const epoch = {
  name: 'raise-epoch',
  does: 'after a restore into another cluster: lets the log go on where transaction ids are lower (docs/operations.md)',
};

/**
 * `node dist/ops-cli.js <subcommand>`, in development `npm run ops -- <subcommand>`. Over the operators' API, with `BASE_URL` and
 * `OPS_TOKEN`; only what is done while the service is stopped works at the database, with `DATABASE_URL`.
 */
async function main(words: readonly string[]): Promise<OpsEnd> {
  const [name = '', ...rest] = words;
  if (name === '--help' || name === 'help') {
    process.stdout.write(usage());
    return 'done';
  }
  if (name === epoch.name && rest.length === 0) return raiseEpoch();
  if (!isOpsCommand(name)) {
    process.stderr.write(usage());
    return 'usage';
  }
  const { stdout } = process;
  const output = {
    write: (text: string) => void stdout.write(text),
    isLive: stdout.isTTY,
    columns: stdout.columns ?? 80,
  };
  const complain = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  return runOpsCommand(words, { access: readOpsAccess(process.env), output, complain });
}

async function raiseEpoch(): Promise<OpsEnd> {
  const database = await Database.connect(readDatabaseUrl(process.env), `${sessionName} ops`);
  try {
    const raised = await new EpochStore(database, new LogReader(database, logName)).raise();
    process.stdout.write(`The epoch of the log "${logName}" is ${raised} now; the service can start.\n`);
    return 'done';
  } catch (error) {
    if (!(error instanceof EpochRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 'failed';
  } finally {
    await database.close();
  }
}

function usage(): string {
  const lines = [epoch, ...opsUsage()].map(({ name, does }) => `  ${name}  ${does}`);
  return `Usage: node dist/ops-cli.js <subcommand>, with BASE_URL and OPS_TOKEN set (raise-epoch: DATABASE_URL)\n${lines.join('\n')}\n`;
}

main(process.argv.slice(2)).then(
  (end) => (process.exitCode = exitCodes[end]),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = exitCodes.failed;
  },
);
