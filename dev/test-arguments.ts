import { Problem } from './problem';

/** What to run, from the arguments of `npm test`, `npm run test:rules` and `npm run test:faults`. */
export interface TestArguments {
  /** Whether the tests need the servers that a test run starts. */
  readonly servers: boolean;
  readonly jest: readonly string[];
  readonly environment: Record<string, string>;
}

/** The long form of the fault suite: so many events of direct writers, spread over so many minutes of faults. */
const faultDefaults = { events: 1_000_000, minutes: 45 };
const faultOptions = ['events', 'minutes', 'seed'];

/** @throws Problem */
export function testArguments(given: readonly string[], projectRoot: string): TestArguments {
  if (given.includes('--faults')) return faultArguments(given.filter((argument) => argument !== '--faults'));
  if (!given.includes('--rules')) return { servers: true, jest: given, environment: {} };
  const roots = ['--roots', `${projectRoot}/src`, `${projectRoot}/dev`];
  return { servers: false, jest: [...roots, ...given.filter((argument) => argument !== '--rules')], environment: {} };
}

function faultArguments(given: readonly string[]): TestArguments {
  const numbers: Record<string, number> = { ...faultDefaults };
  for (let at = 0; at < given.length; at += 2) {
    const [name, number] = [given[at]!.replace(/^--/, ''), Number(given[at + 1])];
    if (!faultOptions.includes(name) || !(number >= 0) || given[at + 1] === '') {
      throw new Problem('npm run test:faults -- takes --events N, --minutes M and --seed S.');
    }
    numbers[name] = number;
  }
  const variables = Object.entries(numbers).map(([name, number]) => [`FAULTS_${name.toUpperCase()}`, String(number)]);
  // The suite stops and kills servers, and so brings its own.
  return {
    servers: false,
    jest: ['test/faults/fault-suite.int.spec.ts'],
    environment: Object.fromEntries(variables) as Record<string, string>,
  };
}
