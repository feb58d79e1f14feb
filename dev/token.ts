import { Problem, runTool } from './problem';
import { dataDirectory } from './project';
import { issueToken, scopes, type Scope } from './tokens';

const workingDayS = 12 * 3600;

/** `npm run --silent token -- <scope> [<scope>...]`: one token on stdout and nothing else. */
async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((scope) => !(scopes as readonly string[]).includes(scope));
  if (asked.length === 0 || unknown.length > 0) {
    const reason = unknown.length > 0 ? `There is no scope ${unknown.join(', ')}. ` : '';
    throw new Problem(
      `${reason}Usage: npm run --silent token -- <scope> [<scope>...], with the scopes ${scopes.join(', ')}.`,
    );
  }
  const token = await issueToken({
    dataDir: dataDirectory(),
    scopes: [...new Set(asked)] as Scope[],
    lifetimeS: workingDayS,
  });
  process.stdout.write(`${token}\n`);
}

runTool(main);
