import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ExceptionRow, exceptions } from '../../src/authorization/exceptions';
import { errorTexts } from '../../src/error-pages/error-texts';
import { ownAddress, TestService } from '../support/app';
import { Visitor } from '../support/visitor';
import { isReady, type Problem } from './walk';

describe('the page of an error', () => {
  let service: TestService;
  let url: string;
  const visitor = new Visitor();
  beforeAll(async () => {
    const address = await ownAddress();
    service = await TestService.start(address);
    url = address.PUBLIC_URL;
    await isReady(service);
  });
  afterAll(() => service.stop());

  it.each(Object.keys(errorTexts))('%s says what it is and what can be done, in both languages', async (code) => {
    const { status, headers, text } = await visitor.get(`${url}/errors/${code}`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).toContain(code);
    const { title, meaning, advice } = errorTexts[code as keyof typeof errorTexts];
    for (const words of [title, meaning, advice]) {
      expect(text).toContain(String(words.nl));
      expect(text).toContain(String(words.en));
    }
  });

  it('is there for every error_uri of the table of exceptions', async () => {
    const uris = Object.values<ExceptionRow>(exceptions).flatMap(({ melding }) => melding?.error_uri ?? []);
    expect(uris.length).toBeGreaterThan(5);
    for (const uri of uris) expect([uri, (await visitor.get(`${url}/errors/${uri}`)).status]).toEqual([uri, 200]);
  });

  it.each(['unauthenticated', 'invalid_token'])('%s leads to the own pages of the person', async (code) => {
    expect((await visitor.get(`${url}/errors/${code}`)).text).toContain('href="/my/subscriptions"');
    expect((await visitor.get(`${url}/errors/not_found`)).text).not.toContain('/my/subscriptions');
  });

  it('is where the type of a problem document leads', async () => {
    const { body } = await service.send<Problem & Record<string, unknown>>('GET', '/ops/api/subscriptions', {});
    const { status, text } = await visitor.get(body.type);
    expect([status, text]).toEqual([200, expect.stringContaining('unauthenticated')]);
  });

  it.each(['nothing', 'toString', '__proto__', '%3Cb%3E', 'x'.repeat(299)])('%s is none', async (code) => {
    const { status, text } = await visitor.get(`${url}/errors/${code}`);
    expect([status, text]).toEqual([404, expect.stringContaining('Deze pagina bestaat niet')]);
    expect(text).not.toContain('<b>');
  });

  it('stands in for a problem document where a person reads, with the number of the request', async () => {
    const answer = await service.send(
      'POST',
      '/sign-out',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'form_token=x',
    );
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
    expect(answer.text).toContain('Deze pagina is niet meer geldig');
    expect(answer.text).toContain(answer.headers.get('medmij-request-id')!);
    const odd = await service.send('POST', '/sign-out', { 'content-type': 'application/json' }, '{}');
    expect([odd.status, odd.headers.get('content-type')]).toEqual([415, 'text/html; charset=utf-8']);
  });
});
