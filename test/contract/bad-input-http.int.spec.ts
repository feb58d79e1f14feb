import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RefusalCode } from '../../src/refusals';
import { type Answer, authorizedRequest, somePerson, TestService } from '../support/app';
import { expectProblem, expectQuietLog, nothingRecorded, publicUrl, recorded } from './attack';

describe('bad input at the HTTP door for Authorization Servers', () => {
  const subject = somePerson();
  let service: TestService;
  let authorization: string;
  beforeAll(async () => {
    service = await TestService.start({ OWN_HOSTS: 'localhost', PUBLIC_URL: publicUrl });
    authorization = `Bearer ${await service.token('authorizations:write')}`;
  });
  afterAll(() => service.stop());

  const request = (given: Record<string, unknown> = {}) => ({ ...authorizedRequest({ subject }), ...given });
  const send = (body: string | Buffer | undefined, headers: Record<string, string> = {}, path = '/authorizations') =>
    service.send('POST', path, { authorization, 'content-type': 'application/json', ...headers }, body);
  const refuse = (answer: Answer, code: RefusalCode) => expectProblem(answer, code, { subject });
  const refuseBody = async (body: unknown, code: RefusalCode = 'malformed_request') =>
    refuse(await send(JSON.stringify(body)), code);

  describe('a scope that is no subscribe scope', () => {
    it.each([
      'subscribe',
      'subscribe~180',
      'subscribe~180/',
      'subscribe~180/eenofanderezorgaanbieder',
      'subscribe~180/eenofanderezorgaanbieder~',
      'subscribe~/eenofanderezorgaanbieder~42',
      'subscribe~-1/eenofanderezorgaanbieder~42',
      'subscribe~+1/eenofanderezorgaanbieder~42',
      'subscribe~00/eenofanderezorgaanbieder~42',
      'subscribe~0180/eenofanderezorgaanbieder~42',
      'subscribe~1e2/eenofanderezorgaanbieder~42',
      'subscribe~1.0/eenofanderezorgaanbieder~42',
      'subscribe~100000/eenofanderezorgaanbieder~42',
      'subscribe~١٨٠/eenofanderezorgaanbieder~42',
      'subscribe~180/eenofanderezorgaanbieder@medmij~42',
      'subscribe~180/Eenofanderezorgaanbieder~42',
      'subscribe~180/ab~42',
      `subscribe~180/${'a'.repeat(51)}~42`,
      `subscribe~180/eenofanderezorgaanbieder~${'4'.repeat(31)}`,
      'subscribe~180/eenofanderezorgaanbieder~42 ',
      ' subscribe~180/eenofanderezorgaanbieder~42',
      'subscribe~180/eenofanderezorgaanbieder~42\n',
      'subscribe~180/eenofanderezorgaanbieder~42\u0000',
      'subscribe~180/eenofanderezorgaanbieder~42~43',
      'subscribe~180/eenofanderezorgaanbieder~42/anderezorgaanbieder~43',
      'subscribe~180/eenofanderezorgaanbieder~42 subscribe~180/anderezorgaanbieder~43',
      'openid subscribe~180/eenofanderezorgaanbieder~42',
      'SUBSCRIBE~180/eenofanderezorgaanbieder~42',
      'eenofanderezorgaanbieder~42',
      'subscribe~180/eenofanderezorgaanbieder~4\u200b2',
      "subscribe~180/eenofanderezorgaanbieder~42'; drop table event; --",
      'subscribe~180/%65enofanderezorgaanbieder~42',
    ])('is refused: %j', async (scope) => {
      const { errors } = await refuseBody(request({ scope }), 'scope_invalid');
      expect(errors.map(({ path }) => path)).toEqual(['scope']);
    });
  });

  describe('what the lists do not allow', () => {
    const scope = 'subscribe~5/eenofanderezorgaanbieder~42';
    it.each<[RefusalCode, Record<string, unknown>]>([
      ['unknown_client', { client_id: 'nobody.example' }],
      ['unknown_client', { client_id: 'localhost.' }],
      ['unknown_client', { client_id: 'localhost\u0000' }],
      ['unknown_client', { client_id: 'http://localhost' }],
      ['unknown_client', { client_id: '__proto__' }],
      ['unknown_client', { client_id: 'constructor' }],
      ['unknown_client', { client_id: "' or 1=1 --" }],
      ['unknown_client', { client_id: '\ud800' }],
      ['unknown_client', { client_id: 'nobody.example', scope: 'not a scope either' }],
      ['unknown_service', { scope: 'subscribe~5/eenofanderezorgaanbieder~99' }],
      ['unknown_service', { scope: 'subscribe~5/eenofanderezorgaanbieder~__proto__' }],
      ['service_not_listed_for_client', { scope: 'subscribe~5/eenofanderezorgaanbieder~44' }],
      ['service_not_listed_for_client', { client_id: 'no-services.example', scope }],
      ['service_not_listed_for_client', { interface_version: '9.9.9', scope }],
      ['service_not_listed_for_client', { interface_version: 'constructor', scope }],
      ['client_endpoints_missing', { client_id: 'no-endpoints.example', scope }],
      ['client_endpoints_missing', { client_id: 'only-subscription.example', scope }],
      ['client_endpoints_missing', { client_id: 'only-resource.example', scope }],
      ['unknown_provider', { scope: 'subscribe~5/constructor~42' }],
      ['unknown_provider', { scope: 'subscribe~5/nobodyinparticular~42' }],
      ['service_not_offered', { scope: 'subscribe~5/aanbiederoudeversie~42' }],
      ['service_not_offered', { scope: 'subscribe~5/aanbiederelders~42' }],
      ['subscriptions_not_offered', { scope: 'subscribe~5/aanbiederzonderabonneren~42' }],
      ['duration_above_maximum', { scope: 'subscribe~366/eenofanderezorgaanbieder~42' }],
      ['duration_above_maximum', { scope: 'subscribe~99999/eenofanderezorgaanbieder~42' }],
      ['duration_above_maximum', { scope: 'subscribe~8/aanbiederkort~42' }],
      ['duration_above_maximum', { scope, granted_days: 6 }],
      ['duration_above_maximum', { scope, granted_days: 0 }],
      ['duration_above_maximum', { scope: 'subscribe~0/eenofanderezorgaanbieder~42', granted_days: 1 }],
      ['authorization_stale', { scope, authorized_at: '2020-01-01T00:00:00Z' }],
      ['authorization_stale', { scope, authorized_at: '0000-01-01T00:00:00Z' }],
      ['authorization_stale', { scope, authorized_at: '9999-12-31T23:59:59-23:59' }],
      ['not_subscribed', { scope: 'subscribe~0/eenofanderezorgaanbieder~42' }],
    ])('%s: %j', async (code, given) => {
      await refuseBody(request(given), code);
    });
  });

  describe('a field of the wrong form', () => {
    const wrongTypes: unknown[] = [null, 42, true, [], {}, ['localhost'], { toString: 'localhost' }, ''];
    const fields = [
      'authorization_id',
      'client_id',
      'scope',
      'subject',
      'issuer',
      'interface_version',
      'authorized_at',
    ];
    it.each(fields)('%s is not a text', async (field) => {
      for (const value of wrongTypes) {
        const { errors } = await refuseBody(request({ [field]: value }));
        expect(new Set(errors.map(({ path }) => path))).toEqual(new Set([field]));
      }
    });

    it.each(['authorization_id', 'client_id', 'scope', 'subject', 'authorized_at'])('%s is missing', async (field) => {
      await refuseBody(request({ [field]: undefined }));
    });

    it.each([-1, 1.5, 100_000, 1e300, '5', null, [5], true])('granted_days %j', async (granted_days) => {
      await refuseBody(request({ granted_days }));
    });

    it.each(['1e400', '-1e400', '99999999999999999999999999'])(
      'granted_days %s, no number that we know',
      async (text) => {
        const body = JSON.stringify(request({ granted_days: 0 })).replace('"granted_days":0', `"granted_days":${text}`);
        refuse(await send(body), 'malformed_request');
      },
    );

    it.each([
      'yesterday',
      '2026-01-01',
      '2026-01-01T10:00:00',
      '2026-01-01T10:00Z',
      '2026-13-01T10:00:00Z',
      '2026-02-30T10:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T10:00:60Z',
      '2026-01-01T10:00:00+25:00',
      '+002026-01-01T10:00:00Z',
      '2026-01-01 10:00:00Z',
      '1767261600',
      `2026-01-01T10:00:00.${'1'.repeat(1000)}Z`,
      '2026-01-01T10:00:00Z\u0000',
    ])('authorized_at %s is no moment of RFC 3339', async (authorized_at) => {
      await refuseBody(request({ authorized_at }));
    });

    it.each([
      ['a NUL', 'a\u0000b'],
      ['a line break', 'a\nb'],
      ['a line separator', 'a\u2028b'],
      ['half a character', 'a\ud800b'],
      ['a direction override', 'a\u202eb'],
      ['an unassigned character', 'a\u{e0080}b'],
      ['nothing', ''],
    ])('%s in an id, a subject or an issuer', async (_what, text) => {
      await refuseBody(request({ authorization_id: text }));
      await refuseBody(request({ subject: `${subject}${text}` || text, ...(text === '' && { subject: '' }) }));
      await refuseBody(request({ issuer: text }));
    });

    it('an id or a subject that is too long', async () => {
      await refuseBody(request({ authorization_id: 'a'.repeat(129) }));
      await refuseBody(request({ subject: subject.padEnd(256, 'a') }));
      await refuseBody(request({ issuer: 'a'.repeat(256) }));
      await refuseBody(request({ client_id: 'a'.repeat(256) }));
      await refuseBody(request({ scope: 'a'.repeat(256) }));
      await refuseBody(request({ interface_version: '3'.repeat(31) }));
    });
  });

  describe('a body that says more or less than it should', () => {
    it.each([
      ['extra', 'extra'],
      ['Subject', 'Subject'],
      ['subject_id', 'subject_id'],
      ['__proto__', '__proto__'],
      ['constructor', 'constructor'],
      ['prototype', 'prototype'],
      ['toString', 'toString'],
      ['access_token', 'access_token'],
    ])('an unknown field %s is named', async (field, named) => {
      const body = JSON.stringify(request()).replace(/}$/, `,"${field}":{"admin":true}}`);
      const { errors } = refuse(await send(body), 'malformed_request');
      expect(errors).toEqual([{ path: named, message: 'Unknown field.' }]);
    });

    it('a field named after a person is refused without repeating the name', async () => {
      const { errors } = await refuseBody(request({ [subject]: 1 }));
      expect(errors).toEqual([{ path: '(unnamable)', message: 'Unknown field.' }]);
    });

    it('thousands of unknown fields are answered with the first few', async () => {
      const many = Object.fromEntries(
        Array.from({ length: 3_000 }, (_, index) => [`field${'x'.repeat(index % 7)}${index}`, 0]),
      );
      const { errors } = await refuseBody(request(many));
      expect(errors.length).toBeLessThanOrEqual(20);
    });

    it.each([
      ['the same', (body: string) => body.replace('{', '{"client_id":"localhost",')],
      ['another value', (body: string) => body.replace('{', '{"subject":"another person",')],
      ['written with an escape', (body: string) => body.replace('{', '{"\\u0073ubject":"another person",')],
      ['with spaces', (body: string) => body.replace('{', '{ "scope" \n\t : "x" ,')],
      ['deep inside', (body: string) => body.replace('{', '{"extra":[{"a":1,"b":{},"a":2}],')],
    ])('a field named twice is ambiguous: %s', async (_what, twice) => {
      const { detail } = refuse(await send(twice(JSON.stringify(request()))), 'malformed_request');
      expect(detail).toBe('The body names a field twice.');
    });

    it.each(['null', '[]', '"text"', '42', 'true', '{}', '[[]]'])('%s instead of a request', async (body) => {
      refuse(await send(body), 'malformed_request');
    });

    it.each([
      ['nothing', ''],
      ['half of it', '{"subject":'],
      ['a trailing comma', '{"subject":"x",}'],
      ['single quotes', "{'subject':'x'}"],
      ['a comment', '{}//'],
      ['two documents', '{}{}'],
      ['NaN', '{"granted_days":NaN}'],
      ['a raw NUL', '{"subject":"a\u0000b"}'],
      ['XML', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
    ])('%s is not JSON', async (_what, body) => {
      refuse(await send(body), 'malformed_request');
    });

    it('invalid UTF-8', async () => {
      const [before, after] = JSON.stringify(request({ issuer: '%' })).split('%');
      for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]]) {
        const body = Buffer.concat([Buffer.from(before!), Buffer.from(bytes), Buffer.from(after!)]);
        const { detail } = refuse(await send(body), 'malformed_request');
        expect(detail).toBe('The body is not valid UTF-8.');
      }
      refuse(await send(Buffer.from(JSON.stringify(request()), 'utf16le')), 'malformed_request');
    });

    it('64 KiB of depth', async () => {
      const deep = 32_000;
      refuse(await send('['.repeat(deep) + ']'.repeat(deep)), 'malformed_request');
      refuse(await send('['.repeat(60_000)), 'malformed_request');
      refuse(await send(`${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`), 'malformed_request');
    });

    it('a byte above 64 KiB is too large, 64 KiB is not', async () => {
      const fit = JSON.stringify(request({ extra: '' }));
      const padded = (bytes: number) => fit.replace('"extra":""', `"extra":"${'x'.repeat(bytes - fit.length)}"`);
      refuse(await send(padded(64 * 1024)), 'malformed_request');
      refuse(await send(padded(64 * 1024 + 1)), 'payload_too_large');
      refuse(await send(padded(2 * 1024 * 1024)), 'payload_too_large');
    });
  });

  describe('a body that is not application/json', () => {
    it.each([
      'text/plain',
      'text/json',
      'application/jsonx',
      'application/json-patch+json',
      'application/cloudevents+json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=iso-8859-1',
      'application/json; charset="utf-16"',
      'application/*',
      'json',
      ';',
    ])('%s', async (contentType) => {
      refuse(await send(JSON.stringify(request()), { 'content-type': contentType }), 'unsupported_media_type');
    });

    it('none at all', async () => {
      const body = Buffer.from(JSON.stringify(request()));
      refuse(await service.send('POST', '/authorizations', { authorization }, body), 'unsupported_media_type');
    });

    it.each(['gzip', 'br', 'deflate, gzip', 'aes128gcm'])('encoded as %s', async (coding) => {
      const answer = await send(JSON.stringify(request()), { 'content-encoding': coding });
      refuse(answer, 'unsupported_media_type');
    });

    it('no body and no content type', async () => {
      refuse(await service.send('POST', '/authorizations', { authorization }), 'malformed_request');
    });
  });

  describe('a query, where none belongs', () => {
    it.each(['?x=1', '?dry_run=true&dry_run=true', '?__proto__=1', '?constructor=1', '?%00=%00', '?=', '?a[b]=c'])(
      '%s',
      async (query) => {
        refuse(await send(JSON.stringify(request()), {}, `/authorizations${query}`), 'malformed_request');
      },
    );

    it('a person in it appears nowhere', async () => {
      refuse(await send(JSON.stringify(request()), {}, `/authorizations?${subject}=${subject}`), 'malformed_request');
      refuse(await send(JSON.stringify(request()), {}, `/authorizations/${subject}`), 'not_found');
    });
  });

  it('has left nothing behind: no event, no command, no person, and no word of the subject in the log', async () => {
    expect(await recorded(service.world)).toEqual(nothingRecorded);
    expectQuietLog(service.world, subject);
  });

  /** Whatever comes in is answered, and recorded only when the answer says so. */
  it('never fails on arbitrary JSON, and records nothing unless it says 201', async () => {
    const field = fc.constantFrom(
      'authorization_id',
      'client_id',
      'scope',
      'subject',
      'issuer',
      'interface_version',
      'granted_days',
      'authorized_at',
      '__proto__',
      'other',
    );
    const subjects = new Set<string>();
    const mutated = fc
      .array(
        fc.tuple(field, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }), fc.constant(undefined))),
        {
          minLength: 0,
          maxLength: 3,
        },
      )
      .map((changes) => {
        const whole = authorizedRequest({ subject: somePerson() });
        subjects.add(whole.subject);
        const { subject: person, ...others } = { ...whole, ...Object.fromEntries(changes) };
        return JSON.stringify({ subject: person, ...others });
      });
    const text = fc.oneof(
      { weight: 2, arbitrary: mutated },
      { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
      { weight: 1, arbitrary: mutated.chain((body) => fc.nat({ max: body.length }).map((end) => body.slice(0, end))) },
    );
    const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
    process.stderr.write(`bad-input-http: fast-check seed ${seed} (repeat with FC_SEED)\n`);
    const before = await recorded(service.world);
    let created = 0;
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        const answer = await send(body);
        expect([200, 201, 400, 409, 422]).toContain(answer.status);
        if (answer.status === 201) created += 1;
        expect([...subjects].filter((person) => answer.text.includes(person))).toEqual([]);
      }),
      { seed, numRuns: 300 },
    );
    expect((await recorded(service.world)).event).toBe(before.event + created);
    expectQuietLog(service.world, ...subjects);
  });
});
