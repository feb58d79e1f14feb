import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

interface Cruised {
  modules: number;
  violations: { rule: string; from: string; to: string }[];
}

const load = createRequire(__filename);
const root = resolve(__dirname, '../..');
const samples = join(__dirname, 'violations');
const { mayImport }: { mayImport: Record<string, string[]> } = load(join(root, '.dependency-cruiser.rooms.cjs'));
const { forbidden }: { forbidden: { name: string }[] } = load(join(root, '.dependency-cruiser.cjs'));
const rooms = Object.keys(mayImport);
const ruleNames = forbidden.map(({ name }) => name);
const edgeRules = rooms.map((room) => `edge-${room}`);
const sampledRules = ruleNames.filter((name) => !edgeRules.includes(name));

const directories = async (path: string) =>
  (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);

/** The file of each import that carries the mark `// flagged`, once per import. */
async function markedImports(sample: string): Promise<string[]> {
  const files = (await readdir(sample, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const marks = files.map(async (file) =>
    (await readFile(join(sample, file), 'utf8'))
      .split('// flagged')
      .slice(1)
      .map(() => file),
  );
  return (await Promise.all(marks)).flat();
}

async function cruise(...baseDirs: string[]): Promise<Record<string, Cruised>> {
  const run = await promisify(execFile)(process.execPath, [join(__dirname, 'cruise.mjs'), ...baseDirs], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(run.stdout) as Record<string, Cruised>;
}

/** A house in which every room opens the door of every other: `src/<from>/to-<to>.ts` imports `src/<to>/index.ts`. */
async function houseWithEveryEdge(): Promise<string> {
  const house = await mkdtemp(join(tmpdir(), 'medmij-rooms-'));
  // The same tsconfig and packages as ours, so that the only difference is the code.
  await symlink(join(root, 'package.json'), join(house, 'package.json'));
  for (const room of rooms) {
    const folder = join(house, 'src', room);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'index.ts'), 'export const room = true;\n');
    for (const other of rooms.filter((name) => name !== room)) {
      await writeFile(join(folder, `to-${other}.ts`), `export { room } from '../${other}';\n`);
    }
  }
  return house;
}

describe('the architecture', () => {
  let house: string;
  let cruised: Record<string, Cruised>;

  beforeAll(async () => {
    house = await houseWithEveryEdge();
    cruised = await cruise(root, house, ...sampledRules.map((rule) => join(samples, rule)));
  }, 120_000);

  afterAll(async () => {
    await rm(house, { recursive: true, force: true });
  });

  it('is kept by the source', () => {
    expect(cruised[root]!.violations).toEqual([]);
    expect(cruised[root]!.modules).toBeGreaterThan(1);
  });

  it.each(sampledRules)('%s bites: it flags the marked imports of its sample and nothing else', async (rule) => {
    const sample = join(samples, rule);
    const { violations } = cruised[sample]!;
    expect(violations.map(({ rule, from }) => `${rule}: ${from}`).sort()).toEqual(
      (await markedImports(sample)).map((from) => `${rule}: ${from}`).sort(),
    );
    expect(violations).not.toEqual([]);
  });

  it.each(rooms)('%s opens the doors it may open, and every other door is flagged', (room) => {
    const flagged = cruised[house]!.violations.filter(({ from }) => from.startsWith(`src/${room}/`));
    expect(flagged.every(({ rule }) => rule === `edge-${room}`)).toBe(true);
    expect(flagged.map(({ to }) => to.split('/')[1]).sort()).toEqual(
      rooms.filter((other) => other !== room && !mayImport[room]!.includes(other)).sort(),
    );
  });

  it('has a line for every room, and no line for a room that is misspelt', async () => {
    const unknown = (await directories(join(root, 'src'))).filter((room) => !rooms.includes(room));
    expect(unknown).toEqual([]);
    expect(
      Object.values(mayImport)
        .flat()
        .filter((room) => !rooms.includes(room)),
    ).toEqual([]);
  });

  it('has a table without a circle: the data walks one way', () => {
    const walk = (room: string, path: string[]): string[][] =>
      path.includes(room) ? [[...path, room]] : mayImport[room]!.flatMap((next) => walk(next, [...path, room]));
    expect(rooms.flatMap((room) => walk(room, []))).toEqual([]);
  });

  it('keeps no sample of a rule that is gone', async () => {
    const kept = (await directories(samples)).filter((name) => name !== 'lint');
    expect(kept.sort()).toEqual([...sampledRules].sort());
  });
});
