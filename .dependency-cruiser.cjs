/**
 * The architecture as rules. Which room may import which stands in the table of .dependency-cruiser.rooms.cjs.
 * Each rule has a sample in test/architecture/violations/<rule> that it must flag.
 */

const { mayImport } = require('./.dependency-cruiser.rooms.cjs');

const rooms = Object.keys(mayImport);
const anyOf = (names) => `(?:${names.join('|')})`;
const specs = '\\.spec\\.ts$';
const rulesOfTheDomain = '(?:\\.(?:decider|events|commands)|/end-date)\\.ts$';
const pure =
  '(?:\\.(?:projection|planner|parser|upcasters)|/retry-schedule|/verdict|^src/authorization-checks/[^.]+)\\.ts$';
const door = '^src/[^/]+/index\\.ts$';

const roomEdges = Object.entries(mayImport).map(([room, others]) => ({
  name: `edge-${room}`,
  comment: `${room} may import: ${others.join(', ') || 'no other room'}. See .dependency-cruiser.rooms.cjs.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/[^/]+/', pathNot: `^src/${anyOf([room, ...others])}/` },
}));

/** One library, one place: what the rest of the code must not even know. */
const keptIn = (library, name, places) => ({
  name,
  comment: `${library} stays behind ${places.join(', ')}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [...places, specs] },
  to: { path: `(?:^|/)node_modules/(?:@types/)?${library}/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'rules-import-only-rules',
      comment:
        'Deciders, events, commands and the calendar import each other and the refusals; no framework, no I/O, no exemptions.',
      severity: 'error',
      from: { path: `^src/.*${rulesOfTheDomain}` },
      to: { pathNot: [`^src/.*${rulesOfTheDomain}`, '^src/refusals/index\\.ts$'] },
    },
    {
      name: 'pure-files-know-no-framework',
      comment:
        'Projections, plans, schedules, verdicts, parsers and the authorization checks are functions over plain data.',
      severity: 'error',
      from: { path: pure },
      to: {
        path: [
          '(?:^|/)node_modules/(?:@nestjs|typeorm|pg|kafkajs|undici)/',
          '\\.(?:store|client|controller|handlers|worker|module)\\.ts$',
        ],
      },
    },
    {
      name: 'rooms-have-one-door',
      comment: 'Another room is entered by its index.ts.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', door] },
    },
    {
      name: 'rooms-have-one-door-from-the-hall',
      comment: 'main.ts, app.module.ts and the other files of src itself go through the doors too.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: '^src/[^/]+/', pathNot: door },
    },
    ...roomEdges,
    {
      name: 'room-not-in-the-table',
      comment: 'A new room gets its line in .dependency-cruiser.rooms.cjs before it imports or is imported.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/[^/]+/', pathNot: `^src/${anyOf(rooms)}/` },
    },
    {
      name: 'rooms-know-no-entry',
      comment:
        'No file beside the rooms is imported by a room; app.module.ts is known to app.ts, and app.ts to main.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(main|app)\\.ts$', specs] },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'no-circles',
      comment: 'Imports point the way the data flows; a circle means that something is in the wrong room.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    keptIn('typeorm', 'typeorm-in-stores-only', ['\\.store\\.ts$', '/log\\.reader\\.ts$', '^src/platform/']),
    keptIn('pg', 'pg-in-stores-only', ['\\.store\\.ts$', '/log\\.reader\\.ts$', '^src/platform/']),
    keptIn('kafkajs', 'kafkajs-in-transport-only', ['^src/transport/']),
    keptIn('undici', 'undici-in-clients-only', ['\\.client\\.ts$']),
    keptIn('libxml2-wasm', 'libxml2-in-medmij-lists-only', ['^src/medmij-lists/']),
    {
      name: 'src-stands-alone',
      comment:
        'The service knows nothing of its tests, its benchmarks and its development setup; a spec beside the code may use test.',
      severity: 'error',
      from: { path: '^src/', pathNot: specs },
      to: { path: '^(?:dev|test|bench)/' },
    },
    {
      name: 'specs-use-test-only',
      comment:
        'A spec beside the code is a rule read aloud: it takes builders from test, and starts nothing of dev or bench.',
      severity: 'error',
      from: { path: `^src/.*${specs}` },
      to: { path: '^(?:dev|bench)/' },
    },
    {
      name: 'nobody-imports-a-spec',
      severity: 'error',
      comment: 'What two specs share lives in test.',
      from: {},
      to: { path: specs },
    },
    {
      name: 'production-packages-only',
      comment: 'The image is pruned to "dependencies"; what src imports must be there.',
      severity: 'error',
      from: { path: '^src/', pathNot: specs },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional', 'npm-peer'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere would escape every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Type-only imports count: knowing a room's types is knowing the room.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
    },
  },
};
