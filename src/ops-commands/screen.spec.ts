import { describe, expect, it } from '@jest/globals';
import { Screen } from './screen';

function screenOf(isLive: boolean) {
  const said: string[] = [];
  return { said, screen: new Screen({ write: (text) => void said.push(text), isLive, columns: 30 }) };
}

describe('the screen', () => {
  it('puts the fields of a table one under the other, and says what is not there with a dash', () => {
    const { said, screen } = screenOf(false);
    screen.table(
      [
        { a: 'long text', b: null },
        { a: 1, b: { c: 2 } },
      ],
      ['a', 'b'],
    );
    expect(said).toEqual(['a          b\n', 'long text  -\n', '1          {"c":2}\n']);
  });

  it('cuts a cell that is too long for a table, never one that stands alone', () => {
    const { said, screen } = screenOf(false);
    screen.table([{ a: 'x'.repeat(100) }], ['a']);
    screen.fields({ a: 'x'.repeat(100) });
    expect(said[1]).toBe(`${'x'.repeat(59)}…\n`);
    expect(said[2]).toBe(`a  ${'x'.repeat(100)}\n`);
  });

  it('writes a bar over itself where somebody looks on, and ends it before the next line', () => {
    const { said, screen } = screenOf(true);
    for (const share of [0, 0.001, 0.5, 2]) screen.progress('it', share);
    screen.line('done');
    expect(said).toHaveLength(5);
    for (const bar of said.slice(0, 3)) expect(bar).toMatch(/^\rit \[.{1,28}$/);
    expect(said.slice(3)).toEqual(['\n', 'done\n']);
  });

  it('writes a line for each whole per cent where nobody does', () => {
    const { said, screen } = screenOf(false);
    for (const share of [0, 0.001, 0.5, 0.509]) screen.progress('it', share);
    expect(said).toEqual([`it [${'.'.repeat(30)}] 0 %\n`, `it [${'#'.repeat(15)}${'.'.repeat(15)}] 50 %\n`]);
  });
});
