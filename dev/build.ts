import { compile } from './compile';
import { runTool } from './problem';

/** `npm run build`. */
async function main(): Promise<void> {
  await compile();
  console.log('Built dist/.');
}

runTool(main);
