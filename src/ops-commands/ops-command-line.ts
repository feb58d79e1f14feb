import { type OpsCommand, UsageWrong } from './command';
import { erase } from './erase.command';
import { list } from './list.command';
import { type OpsAccess, OpsApi, OpsFailed } from './ops-api.client';
import { rebuild, switchBack } from './rebuild.command';
import { replay } from './replay.command';
import { retry } from './retry.command';
import { type Output, Screen } from './screen';
import { show } from './show.command';
import { verify } from './verify.command';

const commands: Record<string, OpsCommand> = {
  list,
  show,
  retry,
  replay,
  rebuild,
  'switch-back': switchBack,
  erase,
  verify,
};

/** What came of a command: done; something is not as it should be, refused or failed; not understood. */
export type OpsEnd = 'done' | 'failed' | 'usage';

/** Whether there is a subcommand of this name over the operators' API. */
export function isOpsCommand(name: string): boolean {
  return Object.hasOwn(commands, name);
}

/** A line for each subcommand. */
export function opsUsage(): { name: string; does: string }[] {
  return Object.entries(commands).map(([name, { takes, does }]) => ({ name: `${name} ${takes}`.trim(), does }));
}

/** Runs one subcommand. What was wrong is one sentence for `complain`. */
export async function runOpsCommand(
  [name = '', ...words]: readonly string[],
  { access, output, complain }: { access: OpsAccess; output: Output; complain: (sentence: string) => void },
): Promise<OpsEnd> {
  const { takes, run } = commands[name]!;
  try {
    return (await run({ api: new OpsApi(access), screen: new Screen(output), words })) ? 'done' : 'failed';
  } catch (error) {
    if (error instanceof OpsFailed) {
      complain(error.message);
      return 'failed';
    }
    if (!(error instanceof UsageWrong)) throw error;
    complain(`${error.message}\nUsage: ${name} ${takes}`.trimEnd());
    return 'usage';
  }
}
