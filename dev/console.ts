const coloured = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = style(1);
export const quiet = style(2);
export const green = style(32);
export const yellow = style(33);
export const cyan = style(36);

export const say = (line = '') => console.log(line);

/** One line when it is done, with how long it took. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const result = await work();
  say(`${green('✓')} ${name} ${quiet(`(${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)}`);
  return result;
}
