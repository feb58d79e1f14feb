/**
 * Builds the pages with a script of their own: `node pages/build.mjs <folder>` puts each below that folder. Names of parts hold
 * the hash of their content, so that browsers may keep them for good; index.html names them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sources = dirname(fileURLToPath(import.meta.url));

export async function buildPages(target) {
  await buildPage('ops', 'Operations - medmij-subscriptions', join(target, 'ops'));
}

async function buildPage(name, title, folder) {
  const { metafile } = await build({
    entryPoints: [join(sources, name, 'main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: folder,
    entryNames: '[name]-[hash]',
    metafile: true,
    logLevel: 'silent',
  });
  const parts = Object.keys(metafile.outputs).map((path) => basename(path));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), document(title, parts));
}

function document(title, parts) {
  const part = (ending) => `assets/${parts.find((name) => name.endsWith(ending))}`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${title}</title>
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${part('.css')}" />
    <script type="module" src="${part('.js')}"></script>
  </head>
  <body>
    <noscript>This page shows live figures and needs JavaScript.</noscript>
    <div id="page"></div>
  </body>
</html>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildPages(process.argv[2]);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
