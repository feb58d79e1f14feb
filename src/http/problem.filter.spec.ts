import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createLogger } from '../platform';
import { type RefusalCode, refusals, Refused } from '../refusals';
import { ProblemFilter } from './problem.filter';
import { RouteTable } from './route-table';

const routes = new RouteTable();
let onRoute: (route: { url: string; method: string | string[] }) => void = () => undefined;
routes.watch({ addHook: (_name: string, hook: typeof onRoute) => (onRoute = hook) } as never);
onRoute({ url: '/things', method: 'POST' });
onRoute({ url: '/things/:id', method: ['GET', 'HEAD'] });
onRoute({ url: '/things/:id/parts.json', method: 'GET' });
onRoute({ url: '/files/*', method: 'GET' });

function answerTo(error: unknown, { url = '/', method = 'GET', headers = {} }: Partial<FastifyRequest> = {}) {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line: string) => void lines.push(line) });
  const filter = new ProblemFilter('https://here.example', routes, log);
  const sent: { status?: number; headers: Record<string, string>; body?: string } = { headers: {} };
  const reply = {
    status: (status: number) => ((sent.status = status), reply),
    header: (name: string, value: string) => ((sent.headers[name] = value), reply),
    headers: (given: Record<string, string>) => (Object.assign(sent.headers, given), reply),
    send: (body: string) => ((sent.body = body), reply),
  };
  const request = { url, method, headers, ids: { requestId: 'request-1' } };
  filter.answer(error, request as unknown as FastifyRequest, reply as unknown as FastifyReply);
  return { ...sent, body: JSON.parse(sent.body!) as Record<string, unknown>, lines };
}

describe('a refusal', () => {
  it.each(Object.keys(refusals) as RefusalCode[])('%s is a problem document with exactly these members', (code) => {
    const { status, headers, body } = answerTo(new Refused(code, 'Why.', [{ path: 'a.b', message: 'Wrong.' }]));
    expect(status).toBe(refusals[code].status);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['retry-after']).toBe(code === 'unavailable' ? '1' : undefined);
    expect(body).toEqual({
      type: `https://here.example/errors/${code}`,
      title: refusals[code].title,
      status,
      detail: 'Why.',
      code,
      errors: [{ path: 'a.b', message: 'Wrong.' }],
    });
  });

  it.each<[RefusalCode, string | undefined, string | undefined]>([
    ['unauthenticated', undefined, 'Bearer'],
    ['unauthenticated', 'Basic eDp5', 'Bearer'],
    ['unauthenticated', 'Bearers x', 'Bearer'],
    ['unauthenticated', 'Bearer x', 'error="invalid_token"'],
    ['unauthenticated', 'Bearer x', 'error_uri="https://here.example/errors/invalid_token"'],
    ['forbidden', 'Bearer x', 'error_uri="https://here.example/errors/insufficient_scope"'],
    ['unauthenticated', 'bearer x', 'error="invalid_token"'],
    ['forbidden', 'Bearer x', 'error="insufficient_scope"'],
    ['forbidden', undefined, undefined],
    ['not_found', 'Bearer x', undefined],
  ])('%s to one who sent %s challenges with %s (RFC 6750 section 3)', (code, authorization, challenge) => {
    const found = answerTo(new Refused(code), { headers: { authorization } }).headers['www-authenticate'];
    if (challenge === undefined || challenge === 'Bearer') expect(found).toBe(challenge);
    else {
      // Only what RFC 6750 allows in an attribute: no quotes, no backslashes, nothing but ASCII.
      expect(found).toMatch(
        /^Bearer [a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]+"(, [a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]+")*$/,
      );
      expect(found).toContain(challenge);
    }
  });
});

describe('a path', () => {
  const nothing = new NotFoundException('Cannot GET /people/999990019');
  it.each([
    ['/nothing', 'GET'],
    ['/', 'GET'],
    ['//', 'GET'],
    ['//things', 'GET'],
    ['/things/', 'GET'],
    ['/things/1/', 'DELETE'],
    ['/things/1/partsxjson', 'POST'],
    ['/Things', 'GET'],
    ['http://[', 'GET'],
    ['*', 'OPTIONS'],
    ['', 'GET'],
    // The path fits; what stands in it does not.
    ['/things/1', 'GET'],
  ])('%s has nothing for %s', (url, method) => {
    const { status, headers, body } = answerTo(nothing, { url, method });
    expect([status, headers.allow]).toEqual([404, undefined]);
    expect(JSON.stringify(body)).not.toContain('999990019');
  });

  it.each([
    ['/things', 'GET', 'POST'],
    ['/things?x=/things/1', 'GET', 'POST'],
    ['/things#x', 'GET', 'POST'],
    ['http://elsewhere.example/things', 'GET', 'POST'],
    ['https://elsewhere.example/things/1?x', 'PUT', 'GET, HEAD'],
    ['/things/%00', 'POST', 'GET, HEAD'],
    ['/things/1/parts.json', 'TRACE', 'GET'],
  ])('%s is not for %s but for %s', (url, method, allow) => {
    const { status, headers } = answerTo(nothing, { url, method });
    expect([status, headers.allow]).toEqual([405, allow]);
  });
});

describe('an error that is no refusal of ours', () => {
  const withCode = (code: string, statusCode?: number) => Object.assign(new Error('999990019'), { code, statusCode });
  it.each<[unknown, RefusalCode]>([
    [withCode('FST_ERR_CTP_BODY_TOO_LARGE', 413), 'payload_too_large'],
    [withCode('FST_ERR_CTP_INVALID_MEDIA_TYPE', 415), 'unsupported_media_type'],
    [withCode('FST_ERR_BAD_URL', 400), 'malformed_request'],
    [withCode('FST_ERR_MAX_PARAM_LENGTH', 414), 'not_found'],
    [withCode('OTHER', 416), 'malformed_request'],
    [new HttpException('999990019', 418), 'malformed_request'],
    [new ForbiddenException('999990019'), 'forbidden'],
    [withCode('ECONNREFUSED'), 'unavailable'],
    [withCode('57P01'), 'unavailable'],
    [new Error('outer 999990019', { cause: withCode('53300') }), 'unavailable'],
    [withCode('22008'), 'internal_error'],
    [new TypeError('999990019 is not a function'), 'internal_error'],
    [new HttpException('999990019', 502), 'internal_error'],
    ['999990019', 'internal_error'],
    [undefined, 'internal_error'],
    [null, 'internal_error'],
  ])('%s is answered without its text: %s', (error, code) => {
    const { body, lines } = answerTo(error);
    expect(body.code).toBe(code);
    expect(JSON.stringify(body)).not.toContain('999990019');
    // A bug is told to us, with the id by which the caller can ask.
    expect(lines.some((line) => line.includes('request.failed') && line.includes('request-1'))).toBe(
      code === 'internal_error',
    );
  });
});
