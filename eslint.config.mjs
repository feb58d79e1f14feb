import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The guards that are ours: what a linter knows nothing of and this house relies on. Each has a sample in
 * test/architecture/violations/lint that must be reported, so that a guard that stops biting fails the build.
 */
const clockGuard = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Clock guard: time is asked of the Clock at the edge and travels inside the command.',
  },
  {
    selector: "CallExpression[callee.name='Date']",
    message: 'Clock guard: time is asked of the Clock at the edge and travels inside the command.',
  },
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Clock guard: time is asked of the Clock at the edge and travels inside the command.',
  },
];

const environmentGuard = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'Only the start of a process hands the environment over, to src/config; everything else receives values.',
  },
  {
    selector: "VariableDeclarator[init.name='process'] Property[key.name='env']",
    message: 'Only the start of a process hands the environment over, to src/config; everything else receives values.',
  },
  {
    selector: "ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name='env']",
    message: 'Only the start of a process hands the environment over, to src/config; everything else receives values.',
  },
];

/** A rule that is asked twice answers the same twice; a `performance.now()` in it would be a clock too. */
const pureGuard = [
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'A rule is a function of its arguments: chance comes in with the command.',
  },
  {
    selector: "MemberExpression[object.name='performance'][property.name='now']",
    message: 'A rule is a function of its arguments: time comes in with the command.',
  },
  {
    selector: ':matches(AwaitExpression, :function[async=true])',
    message: 'A rule waits for nothing: what has effects is called by the handler.',
  },
];

const specs = ['src/**/*.spec.ts'];

/** Rules over plain data. Parsers stand outside: the XML library is loaded asynchronously. */
const pureFiles = [
  'src/**/*.{decider,events,commands,upcasters,projection,planner}.ts',
  'src/subscriptions/end-date.ts',
  'src/notifications/{retry-schedule,verdict}.ts',
  'src/authorization-checks/**/*.ts',
  'src/refusals/**/*.ts',
];

/** Where a process begins: it hands the environment to readConfig, once. */
const entries = ['src/main.ts', 'src/migrate.ts', 'src/ops-cli.ts'];

export default defineConfig(
  globalIgnores(['dist/', '.data/', 'coverage/', 'bench/results/', 'test/architecture/violations/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // Files with decorators are left alone by the rule itself: Nest reads constructor types at run time, and a type-only import
      // would turn an injected class into Object (the compiler options emitDecoratorMetadata and experimentalDecorators tell it).
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // A rejected promise returned from inside a try block slips past its catch.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...clockGuard, ...environmentGuard],
    },
  },
  { files: pureFiles, rules: { 'no-restricted-syntax': ['error', ...clockGuard, ...environmentGuard, ...pureGuard] } },
  { files: ['src/platform/clock.ts'], rules: { 'no-restricted-syntax': ['error', ...environmentGuard] } },
  { files: entries, rules: { 'no-restricted-syntax': ['error', ...clockGuard] } },
  // A process that refuses to start has no logger yet.
  { files: entries, rules: { 'no-console': 'off' } },
  { files: specs, rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.{js,cjs}', '**/*.mjs'],
    rules: { eqeqeq: 'error', 'prefer-const': 'error', 'no-unused-vars': 'error' },
  },
);
