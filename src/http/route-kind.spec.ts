import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { createLogger } from '../platform';
import { Refused } from '../refusals';
import { createHttpEdge } from './server';

const form = 'application/x-www-form-urlencoded';

describe('a route', () => {
  let fastify: FastifyInstance;
  beforeAll(async () => {
    const log = createLogger('info', { write: () => undefined });
    const { adapter } = createHttpEdge('https://subscriptions.example', log, ({ code }, _request, reply) => {
      void reply.status(418).type('text/html').send(`<p>${code}</p>`);
    });
    fastify = adapter.getInstance<FastifyInstance>();
    const fail = () => {
      throw new Refused('unavailable');
    };
    fastify.post('/json', ({ body }) => body);
    fastify.post('/form', { config: { kind: { body: 'form' } } }, ({ body }) => body);
    fastify.post('/page', { config: { kind: { body: 'form', answer: 'page' } } }, ({ body }) => body);
    fastify.get('/page', { config: { kind: { answer: 'page' } } }, fail);
    fastify.get('/machine', fail);
    await fastify.ready();
  });
  afterAll(() => fastify.close());

  const ask = async (request: InjectOptions) => {
    const { statusCode, body, headers } = await fastify.inject(request);
    return { status: statusCode, body, type: headers['content-type'], retryAfter: headers['retry-after'] };
  };
  const post = (url: string, contentType: string, payload: string) =>
    ask({ method: 'POST', url, headers: { 'content-type': contentType }, payload });

  it('that is made for a form takes one, with or without the charset, and an empty one too', async () => {
    expect(await post('/form', form, 'a=b+c&d=%C3%A9')).toMatchObject({ status: 200, body: '{"a":"b c","d":"é"}' });
    expect(await post('/form', `${form}; charset=UTF-8`, 'a=b')).toMatchObject({ status: 200, body: '{"a":"b"}' });
    expect(await post('/form', form, '')).toMatchObject({ status: 200, body: '{}' });
  });

  it.each([
    ['a form where JSON belongs', '/json', form, 'a=b', 415],
    ['JSON where a form belongs', '/form', 'application/json', '{"a":"b"}', 415],
    ['a form with files', '/form', 'multipart/form-data; boundary=x', '--x--', 415],
    ['a form as plain text', '/form', 'text/plain', 'a=b', 415],
    ['another charset', '/form', `${form}; charset=utf-16`, 'a=b', 415],
    ['a field twice', '/form', form, 'a=b&a=c', 400],
    ['a body over the limit', '/form', form, `a=${'b'.repeat(64 * 1024)}`, 413],
  ])('refuses %s', async (_, url, contentType, payload, status) => {
    expect(await post(url, contentType, payload)).toMatchObject({ status, type: expect.stringContaining('problem') });
  });

  it('for persons answers in a page, whatever is wrong', async () => {
    expect(await ask({ url: '/page' })).toEqual({
      status: 418,
      type: 'text/html',
      body: '<p>unavailable</p>',
      retryAfter: '1',
    });
    expect(await post('/page', form, 'a=b&a=c')).toMatchObject({ status: 418, body: '<p>malformed_request</p>' });
    expect(await post('/page', 'application/json', '{}')).toMatchObject({ body: '<p>unsupported_media_type</p>' });
    expect(await ask({ url: '/machine' })).toMatchObject({ status: 503, type: expect.stringContaining('problem') });
  });
});
