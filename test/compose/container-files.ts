/** One stage of a Dockerfile, with its instructions in order. A stage without a name is known by its number, as Docker does. */
export interface Stage {
  name: string;
  from: string;
  instructions: { name: string; value: string }[];
}

export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, keyword, value] = /^\s*(\w+)\s+(.*?)\s*$/.exec(line)!;
    const name = keyword!.toUpperCase();
    if (name === 'FROM') {
      const [, from, stageName] = /^(\S+)(?:\s+as\s+(\S+))?$/i.exec(value!)!;
      stages.push({ name: stageName ?? String(stages.length), from: from!, instructions: [] });
    } else stages.at(-1)!.instructions.push({ name, value: value! });
  }
  return stages;
}

/** Whether the tag names one release and no line of them. PostgreSQL's releases have two numbers, all others here three. */
export function exactImage(image: string): boolean {
  const match = /^(.+?):([^:/]+)$/.exec(image);
  if (!match) return false;
  const numbers = match[1] === 'postgres' ? 2 : 3;
  return new RegExp(`^\\d+(\\.\\d+){${numbers - 1}}(-[\\w.-]+)?$`).test(match[2]!);
}

export function nonRoot(user: string | undefined): boolean {
  const name = user?.split(':')[0];
  return name !== undefined && /^[a-z0-9_][a-z0-9_-]*$/.test(name) && name !== 'root' && Number(name) !== 0;
}

/** Compose's `${NAME}` and `${NAME:-default}`; a variable that gets no value is an error here, where Compose only warns. */
export function resolveVariables(
  values: Record<string, string>,
  given: Record<string, string>,
): Record<string, string> {
  const resolved = (text: string) =>
    text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise?: string) => {
      const value = given[name] || otherwise;
      if (value === undefined) throw new Error(`${name} is given by nobody`);
      return value;
    });
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, resolved(text)]));
}
