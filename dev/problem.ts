/** Something the person at the keyboard can put right: shown as its sentence, without a stack. */
export class Problem extends Error {
  override name = 'Problem';
}

/** Thrown by whatever was under way when the person pressed Ctrl-C. */
export class Stopped extends Error {
  override name = 'Stopped';
  constructor() {
    super('stopped');
  }
}

/** Runs a command line tool: a problem is one sentence on stderr, anything else a bug with its stack; both exit with 1. */
export function runTool(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    console.error(error instanceof Problem ? error.message : error);
    process.exitCode = 1;
  });
}
