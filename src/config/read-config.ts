import type { z } from 'zod';
import { assemble, type Config } from './config';
import { environment, opsAccess, type Variables } from './environment';
import { problemsBetween } from './problems';

export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * The whole configuration, or every problem at once, by name and never by value.
 * @throws ConfigError
 */
export function readConfig(variables: Variables, projectRoot: string): Config {
  const present = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const production = present.NODE_ENV === 'production';
  const parsed = environment.safeParse(present);
  const problems = new Set([
    ...(parsed.error ? problemsOf(parsed.error, present) : []),
    ...problemsBetween(present, production, parsed.data),
  ]);
  if (!parsed.success || problems.size > 0) throw new ConfigError([...problems].sort());
  return assemble(parsed.data, production, projectRoot);
}

/** What migrating needs, so that it can run where nothing else is configured. @throws ConfigError */
export function readDatabaseUrl(variables: Variables): string {
  return readSome(environment.pick({ DATABASE_URL: true }), variables).DATABASE_URL;
}

/** Where the operator's command line finds the service, and its token. @throws ConfigError */
export function readOpsAccess(variables: Variables): { baseUrl: string; token: string } {
  const { BASE_URL: baseUrl, OPS_TOKEN: token } = readSome(opsAccess, variables);
  return { baseUrl, token };
}

function readSome<Shape extends z.ZodRawShape>(
  some: z.ZodObject<Shape>,
  variables: Variables,
): z.output<z.ZodObject<Shape>> {
  const parsed = some.safeParse(variables);
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error, variables));
  return parsed.data;
}

function problemsOf(error: z.ZodError, variables: Variables): string[] {
  return error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${variables[name] ? message : 'is missing'}`;
  });
}
