import { describe, expect, it } from '@jest/globals';
import { mayReturnTo, withParameters } from './redirect-uri';

const client = 'app.example';

describe('a redirect URI', () => {
  it.each([
    'https://app.example',
    'https://app.example/',
    'https://app.example/back?tab=1',
    'https://app.example?tab=1',
    'HTTPS://App.Example/Back',
    'https://app.example/%0d%0aset-cookie:a=b',
  ])('may be %s', (redirectUri) => {
    expect(mayReturnTo(redirectUri, client, true)).toBe(true);
  });

  it.each([
    ['is not https', 'http://app.example/back'],
    ['is relative', '/back'],
    ['has no scheme', '//app.example/back'],
    ['names the usual port', 'https://app.example:443/back'],
    ['names an empty port', 'https://app.example:/back'],
    ['names another port', 'https://app.example:8443/back'],
    ['has user info', 'https://app.example@evil.example/back'],
    ['has user info before the right host', 'https://someone@app.example/back'],
    ['has a fragment', 'https://app.example/back#here'],
    ['has an empty fragment', 'https://app.example/back#'],
    ['is of a host below', 'https://sub.app.example/back'],
    ['is of a host that begins alike', 'https://app.example.evil.example/back'],
    ['is of a host that ends alike', 'https://evilapp.example/back'],
    ['ends its host with a dot', 'https://app.example./back'],
    ['escapes its host', 'https://app%2eexample/back'],
    ['hides another host behind a backslash', 'https://evil.example\\@app.example/back'],
    ['hides another host behind a backslash of a path', 'https:\\\\evil.example/back'],
    ['is written with other slashes', 'https:app.example/back'],
    ['has a line break', 'https://app.example/back\r\nset-cookie: a=b'],
    ['has a tab inside its host', 'https://app.\texample/back'],
    ['begins with a space', ' https://app.example/back'],
    ['has a letter that is not ASCII', 'https://app.example/terugë'],
    ['is a script', 'javascript://app.example/%0aalert(1)'],
    ['is data', 'data:text/html,app.example'],
    ['brings a code itself', 'https://app.example/back?code=stolen'],
    ['brings an escaped state itself', 'https://app.example/back?st%61te=other'],
    ['is longer than 1,000 characters', `https://app.example/${'a'.repeat(1_000)}`],
    ['is empty', ''],
  ])('is refused when it %s', (_why, redirectUri) => {
    expect(mayReturnTo(redirectUri, client, true)).toBe(false);
  });

  it('of the client localhost may use http and a port in development', () => {
    expect(mayReturnTo('http://localhost:3010/back', 'localhost', true)).toBe(true);
    expect(mayReturnTo('https://localhost/back', 'localhost', true)).toBe(true);
  });

  it.each(['http://localhost:3010/back', 'http://localhost/back', 'https://localhost:3010/back'])(
    'of the client localhost is refused in production when it is %s',
    (redirectUri) => {
      expect(mayReturnTo(redirectUri, 'localhost', false)).toBe(false);
    },
  );

  it('of another client may not use the allowance of localhost', () => {
    expect(mayReturnTo('http://localhost:3010/back', client, true)).toBe(false);
    expect(mayReturnTo('http://app.example:3010/back', client, true)).toBe(false);
    expect(mayReturnTo('http://localhost:3010@evil.example/', 'localhost', true)).toBe(false);
  });
});

describe('the address the browser is sent back to', () => {
  it('keeps the redirect URI as it came and adds to its query', () => {
    expect(withParameters('https://app.example/a%20b', { code: 'c', state: 'x y&z' })).toBe(
      'https://app.example/a%20b?code=c&state=x+y%26z',
    );
    expect(withParameters('https://app.example/?tab=1', { error: 'e' })).toBe('https://app.example/?tab=1&error=e');
    expect(withParameters('https://app.example/?', { error: 'e' })).toBe('https://app.example/?error=e');
  });

  it('leaves out what there is nothing of', () => {
    expect(withParameters('https://app.example', { error: 'e', state: undefined })).toBe('https://app.example?error=e');
  });

  it('cannot be broken out of by a value', () => {
    const location = withParameters('https://app.example/', { state: '\r\nset-cookie: a=b#&code=x' });
    expect(location).toBe('https://app.example/?state=%0D%0Aset-cookie%3A+a%3Db%23%26code%3Dx');
  });
});
