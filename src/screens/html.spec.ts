import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { html } from './html';

describe('a piece of HTML', () => {
  it('keeps every text a text, in an element and in an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', ';', ' ') }), (text) => {
        const written = html`<p title="${text}">${text}</p>`.toString();
        const [, attribute, element] = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(written)!;
        expect([unescaped(attribute!), unescaped(element!)]).toEqual([text, text]);
      }),
    );
  });

  it('takes other pieces as they are, lists of them too, and leaves out what is not there', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
    const written = html`<p>${items}${undefined}${false}${0}</p>`.toString();
    expect(written).toBe('<p><li>a</li><li>&lt;b&gt;</li>0</p>');
  });
});

function unescaped(text: string): string {
  const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&([^;]+);/g, (_, name: string) => characters[name]!);
}
