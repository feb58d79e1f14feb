import { describe, expect, it } from '@jest/globals';
import { Stopped } from './problem';
import { together } from './together';

const never = new AbortController().signal;

/** Works until it is asked to stop. */
const patient = (ended: string[]) => (signal: AbortSignal) =>
  new Promise<void>((_, failed) =>
    signal.addEventListener('abort', () => {
      ended.push('stopped');
      failed(new Stopped());
    }),
  );

describe('tasks run together', () => {
  it('end when all have ended', async () => {
    const done: string[] = [];
    const task = (name: string) => () => Promise.resolve(void done.push(name));
    await together(never, [task('a'), task('b')]);
    expect(done).toEqual(['a', 'b']);
  });

  it('stop the others and tell why when one fails', async () => {
    const ended: string[] = [];
    const fails = () => Promise.reject(new Error('no port'));
    await expect(together(never, [patient(ended), fails])).rejects.toThrow('no port');
    expect(ended).toEqual(['stopped']);
  });

  it('stop when asked', async () => {
    const ended: string[] = [];
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 10);
    await expect(together(stopping.signal, [patient(ended), patient(ended)])).rejects.toBeInstanceOf(Stopped);
    expect(ended).toHaveLength(2);
  });
});
