import type { OpsApi } from './ops-api.client';
import type { Screen } from './screen';

/** What a command is given: the API, where to print, and the words after its name. */
export interface Asked {
  api: OpsApi;
  screen: Screen;
  words: readonly string[];
}

/** One subcommand of the operator's command line. */
export interface OpsCommand {
  /** The words and options it takes, as the usage shows them. */
  takes: string;
  does: string;
  /** @returns whether all is as it should be. @throws UsageWrong for words it does not understand, OpsFailed for a refusal */
  run(asked: Asked): Promise<boolean>;
}

/** The words make no sense: the usage is printed. */
export class UsageWrong extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageWrong';
  }
}
