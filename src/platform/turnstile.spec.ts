import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile';

/** Works that end when told. */
function works() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => ends.set(name, { resolve: () => resolve(name), reject }));
  };
  return { begun, work, end: (name: string) => ends.get(name)!.resolve(), ends };
}

/** Lets everything happen that waits for nothing but its turn. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a turnstile', () => {
  it('lets so many through at once, and the others in the order in which they came', async () => {
    const { begun, work, end } = works();
    const turnstile = new Turnstile({ inside: 2, waiting: 2 });
    const passing = ['a', 'b', 'c', 'd'].map((name) => turnstile.pass(work(name))!);
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c']);
    end('a');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    ['c', 'd'].forEach(end);
    expect(await Promise.all(passing)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('turns away who finds the line full, and takes the next one again', async () => {
    const { begun, work, end } = works();
    const turnstile = new Turnstile({ inside: 1, waiting: 1 });
    const [first, second] = [turnstile.pass(work('a')), turnstile.pass(work('b'))];
    expect(turnstile.pass(work('c'))).toBeUndefined();
    end('a');
    await first;
    await settled();
    const third = turnstile.pass(work('d'));
    end('b');
    await second;
    await settled();
    end('d');
    expect(await third).toBe('d');
    expect(begun).toEqual(['a', 'b', 'd']);
  });

  it('is not blocked by what fails', async () => {
    const { begun, work, end, ends } = works();
    const turnstile = new Turnstile({ inside: 1, waiting: 1 });
    const [first, second] = [turnstile.pass(work('a')), turnstile.pass(work('b'))];
    ends.get('a')!.reject(new Error('it failed'));
    await expect(first).rejects.toThrow('it failed');
    await settled();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    expect(await second).toBe('b');
  });
});
