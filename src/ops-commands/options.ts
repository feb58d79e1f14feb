import { parseArgs } from 'node:util';
import { UsageWrong } from './command';

export interface Words {
  /** In their order. */
  plain: string[];
  options: Record<string, string | undefined>;
  flags: Record<string, boolean>;
}

/**
 * Tells plain words, `--name value` and `--flag` apart.
 * @param plainMax how many plain words there may be
 * @throws UsageWrong for a name that is not known, a value that is missing and too many words
 */
export function readWords(
  words: readonly string[],
  { options = [], flags = [], plainMax }: { options?: readonly string[]; flags?: readonly string[]; plainMax: number },
): Words {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(options.map((name) => [name, { type: 'string' as const }])),
        ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' as const }])),
      },
    });
    if (positionals.length > plainMax) throw new UsageWrong(`Too many words: ${positionals.slice(plainMax).join(' ')}`);
    return {
      plain: positionals,
      options: Object.fromEntries(options.map((name) => [name, values[name] as string | undefined])),
      flags: Object.fromEntries(flags.map((name) => [name, values[name] === true])),
    };
  } catch (error) {
    if (error instanceof UsageWrong) throw error;
    throw new UsageWrong((error as Error).message);
  }
}
