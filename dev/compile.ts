import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from './problem';
import { runToEnd } from './processes/run-to-end';
import { projectRoot } from './project';
import { removeUnfinished, unfinishedName } from './unfinished';

const dist = join(projectRoot, 'dist');
const stamp = join(dist, '.made-from');

/** Whether dist/ was made from exactly the present sources; by content, for git changes the times of files. */
export function isCompiled(): boolean {
  removeUnfinished(dist);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceHash();
}

/**
 * Compiles src/ to dist/ and builds the pages into dist/pages. Under another name first and then swapped, so that a failed or stopped compilation leaves the
 * old dist/ whole and a removed source leaves nothing behind.
 * @throws Problem with the compiler's messages
 */
export async function compile(signal?: AbortSignal): Promise<void> {
  const hash = sourceHash();
  const unfinished = unfinishedName(dist);
  const old = unfinishedName(join(projectRoot, 'dist.old'));
  try {
    const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc');
    const { code, output } = await runToEnd(
      process.execPath,
      [tsc, '-p', 'tsconfig.build.json', '--outDir', unfinished, '--pretty', 'false'],
      { cwd: projectRoot, signal },
    );
    if (code !== 0) throw new Problem(`The sources do not compile:\n${output.trimEnd()}`);
    await buildPages(join(unfinished, 'pages'), signal);
    copyOtherFiles(unfinished);
    writeFileSync(join(unfinished, '.made-from'), hash);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(unfinished, dist);
  } finally {
    [unfinished, old].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  }
}

/** @throws Problem with the bundler's messages */
async function buildPages(target: string, signal?: AbortSignal): Promise<void> {
  const { code, output } = await runToEnd(process.execPath, [join(projectRoot, 'pages/build.mjs'), target], {
    cwd: projectRoot,
    signal,
  });
  if (code !== 0) throw new Problem(`The pages cannot be built:\n${output.trimEnd()}`);
}

const isSource = (file: string) => file.endsWith('.ts');

/** Pages and schemas lie beside the code that reads them, and must in dist/ too. */
function copyOtherFiles(target: string): void {
  for (const file of filesBelow('src').filter((path) => !isSource(path))) {
    cpSync(join(projectRoot, 'src', file), join(target, file));
  }
}

function sourceHash(): string {
  const hash = createHash('sha256');
  const files = ['src', 'pages'].flatMap((folder) => filesBelow(folder).map((file) => join(folder, file)));
  for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...files]) {
    const content = readFileSync(join(projectRoot, file));
    hash.update(`${file}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

const filesBelow = (folder: string) =>
  readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(projectRoot, folder).length + 1))
    .sort();
