/**
 * `node dev/run.mjs <name> ...` installs when needed and then runs dev/<name>.ts in this same process: with a shell or a
 * second Node in between, Ctrl-C would reach them too, and the exit code would be theirs.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [name, ...rest] = process.argv.slice(2);
try {
  await ensureInstalled();
  const require = createRequire(import.meta.url);
  require('tsx/cjs/api').register();
  const file = join(here, `${name}.ts`);
  process.argv = [process.argv[0], file, ...rest];
  require(file);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
