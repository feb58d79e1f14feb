import { resolve } from 'node:path';

export const projectRoot = resolve(__dirname, '..');

/** Where development keeps its data: DATA_DIR, or .data in the project (contract.md 2). */
export const dataDirectory = () => resolve(projectRoot, process.env.DATA_DIR || '.data');

/** Kept between data directories and test runs; can be deleted at any time. */
export const cacheDirectory = resolve(projectRoot, '.data/cache');
