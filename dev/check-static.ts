import { Problem, runTool } from './problem';
import { runToEnd } from './processes/run-to-end';
import { projectRoot } from './project';
import { stopSignal } from './stop-signal';

/** Scripts of package.json, two lines of about the same length at once: each of them uses one processor. */
const lines = [['lint'], ['types', 'format:check', 'architecture']];

/** `npm run check:static`: everything that is checked without being run. All of it, also when something is wrong early on. */
async function main(): Promise<void> {
  const signal = stopSignal();
  const failed: string[] = [];
  const check = async (names: readonly string[]) => {
    for (const name of names) {
      const startedMs = performance.now();
      const { code, output } = await runToEnd('npm', ['run', '--silent', name], { cwd: projectRoot, signal });
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      console.log(`${code === 0 ? 'ok' : 'FAILED'}  ${name}, ${seconds} s`);
      if (code === 0) continue;
      failed.push(name);
      console.log(output.trimEnd());
    }
  };
  await Promise.all(lines.map(check));
  if (failed.length > 0) throw new Problem(`Not as it should be: ${failed.join(', ')}.`);
}

runTool(main);
