import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const builder = resolve(__dirname, '../../pages/build.mjs');

/** The pages as they are now, built into a folder of their own: what lies in dist/ may be older. Whoever builds them removes it. */
export async function buildPages(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'medmij-pages-'));
  await promisify(execFile)(process.execPath, [builder, folder]);
  return folder;
}
