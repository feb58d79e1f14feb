import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = resolve(__dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const markdownIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const documents = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('docs/adr'), 'dev/sample-lists/README.md'];
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);

/** As a heading becomes an anchor on the pages where Markdown is read. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
const anchorsOf = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);

/** What a document speaks of that is not there. */
function missingIn(path: string, text: string): string[] {
  const links = all(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^https?:/.test(link));
  const deadLinks = links.filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : join(dirname(path), file);
    if (!existsSync(join(root, target))) return true;
    const content = file === '' ? text : anchor === undefined ? '' : read(target);
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(content).includes(anchor);
  });
  const paths = all(text, /`((?:src|test|docs|dev|bench|migrations|pages)\/[\w./-]+)`/g).filter(
    (name) => !existsSync(join(root, name)) && !existsSync(join(root, `${name}.int.spec.ts`)),
  );
  const commands = all(text, /\bnpm run (?:--silent )?([a-z:]+)/g).filter((name) => !scripts.includes(name));
  const programs = all(text, /\bnode (dist\/[\w-]+)\.js/g).filter(
    (name) => !existsSync(join(root, `${name.replace('dist', 'src')}.ts`)),
  );
  return [...deadLinks, ...paths, ...commands, ...programs];
}

/** Variables that a part of the code reads, by their names in its schema. */
const variablesIn = (path: string) => all(read(path), /^ {2}([A-Z][A-Z_]+):/gm);
const issuers = ['AS', 'OPS'].flatMap((who) => ['ISSUER', 'AUDIENCE', 'JWKS_URL'].map((what) => `${who}_${what}`));
const variables = [...variablesIn('src/config/environment.ts'), ...issuers];
const ofDevelopment = ['EMBEDDED_POSTGRES_PORT', 'EMBEDDED_KAFKA_PORT'];

describe('the documents', () => {
  it.each(documents)('speak of what there is: %s', (path) => expect(missingIn(path, read(path))).toEqual([]));

  it('would be found to be wrong', () => {
    const links = ['operations.md#no-such-section', 'nowhere.md', '#nor-here'];
    const text = `${links.map((link) => `[x](${link})`).join(' ')} \`src/no/such.ts\` npm run nothing node dist/none.js`;
    expect(missingIn('docs/scaling.md', text)).toEqual([...links, 'src/no/such.ts', 'nothing', 'dist/none']);
    const good =
      '[x](operations.md#backing-up) `src/main.ts` npm run --silent token node dist/ops-cli.js # A\n[y](#b)\n## B\n';
    expect(missingIn('docs/scaling.md', good)).toEqual([]);
  });

  it('name every variable of the configuration in the table of README, and none that nobody reads', () => {
    const table = read('README.md').split('## Configuration')[1]!.split('\n## ')[0]!;
    const named = [...new Set(all(table, /`([A-Z][A-Z_]{3,})`/g))];
    expect(variables.length).toBeGreaterThan(70);
    expect(variables.filter((name) => !named.includes(name))).toEqual([]);
    expect(named.filter((name) => ![...variables, ...ofDevelopment].includes(name))).toEqual([]);
    const settings = read('dev/settings.ts');
    expect(ofDevelopment.filter((name) => !settings.includes(name))).toEqual([]);
  });

  it('name every table in the guide to privacy that has a column about a person', () => {
    const tables = [...read('migrations/schema.sql').matchAll(/^create table (\w+) \((.*?)\n\)/gms)];
    const personal = tables.filter(([, , columns]) => /^ {2}\w*(person|subject|sealed_)/m.test(columns!));
    expect(personal.length).toBeGreaterThan(8);
    const guide = read('docs/privacy.md');
    expect(personal.map(([, name]) => name!).filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  it('name no variable in the guides that nobody reads', () => {
    for (const path of ['docs/operations.md', 'docs/scaling.md', 'docs/privacy.md'])
      expect([path, all(read(path), /`([A-Z]+_[A-Z_]+)`/g).filter((name) => !variables.includes(name))]).toEqual([
        path,
        [],
      ]);
  });
});
