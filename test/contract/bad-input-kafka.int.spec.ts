import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CompressionTypes, type IHeaders, Kafka, logLevel, type Message } from 'kafkajs';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { brokers, type SeenRecord } from '../support/kafka';
import { eventually } from '../support/eventually';
import { expectQuietLog, nothingRecorded, publicUrl, recorded } from './attack';

const inbox = 'medmij.authorizations.v1';
const deadLetters = 'medmij.dead-letters.v1';

const withoutUndefined = (headers: IHeaders): IHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));

interface Case {
  what: string;
  reason: string;
  value: string | Buffer | null;
  headers: IHeaders;
  key: string | null;
}

describe('bad input at the Kafka door', () => {
  const subject = somePerson();
  const cases: Case[] = [];
  let service: TestService;

  const request = (given: Record<string, unknown> = {}) =>
    JSON.stringify({ ...authorizedRequest({ subject }), ...given });
  const binary = (given: IHeaders = {}): IHeaders =>
    withoutUndefined({
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: 'https://as.example',
      ce_type: 'nl.medmij.authorization.granted.v1',
      'content-type': 'application/json',
      ...given,
    });
  const structured = (given: Record<string, unknown> = {}) =>
    JSON.stringify({
      specversion: '1.0',
      id: randomUUID(),
      source: 'https://as.example',
      type: 'nl.medmij.authorization.granted.v1',
      data: authorizedRequest({ subject }),
      ...given,
    });
  const structuredHeaders: IHeaders = { 'content-type': 'application/cloudevents+json' };

  const add = (
    what: string,
    reason: string,
    value: string | Buffer | null,
    headers: IHeaders,
    key: string | null = randomUUID(),
  ) => cases.push({ what, reason, value, headers: { ...headers, 'x-case': String(cases.length) }, key });

  const malformed = 'malformed_request';
  add('a tombstone', malformed, null, binary());
  add('an empty value', malformed, '', binary());
  add('no JSON', malformed, '{', binary());
  add('no object', malformed, '[]', binary());
  add('null', malformed, 'null', binary());
  add(
    'invalid UTF-8',
    malformed,
    Buffer.concat([Buffer.from(request().slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])]),
    binary(),
  );
  add('UTF-16', malformed, Buffer.from(request(), 'utf16le'), binary());
  add('a field twice', malformed, request().replace('{', '{"subject":"another",'), binary());
  add('a field twice behind an escape', malformed, request().replace('{', '{"\\u0073ubject":"another",'), binary());
  add('an unknown field', malformed, request({ extra: 1 }), binary());
  add('__proto__', malformed, request().replace('{', '{"__proto__":{"x":1},'), binary());
  add('a field named after the person', malformed, request({ [subject]: 1 }), binary());
  add('a wrong type', malformed, request({ subject: 42 }), binary());
  add('a NUL in the subject', malformed, request({ subject: `${subject}\u0000` }), binary());
  add('a missing field', malformed, request({ authorized_at: undefined }), binary());
  add('depth', malformed, '['.repeat(30_000) + ']'.repeat(30_000), binary());
  add('more than 64 KiB', 'payload_too_large', request({ extra: 'x'.repeat(64 * 1024) }), binary());
  add('half a megabyte', 'payload_too_large', 'x'.repeat(512 * 1024), binary());
  add('no headers at all', malformed, request(), {});
  add('no specversion', malformed, request(), binary({ ce_specversion: undefined }));
  add('another specversion', malformed, request(), binary({ ce_specversion: '0.3' }));
  add('no id', malformed, request(), binary({ ce_id: undefined }));
  add('an empty id', malformed, request(), binary({ ce_id: '' }));
  add('no source', malformed, request(), binary({ ce_source: undefined }));
  add('no type', malformed, request(), binary({ ce_type: undefined }));
  add('another type', malformed, request(), binary({ ce_type: 'nl.medmij.subscription.started.v1' }));
  add('a later version of the type', malformed, request(), binary({ ce_type: 'nl.medmij.authorization.granted.v2' }));
  add('the type twice', malformed, request(), binary({ ce_type: ['nl.medmij.authorization.granted.v1', 'x'] }));
  add(
    'the type twice in two spellings',
    malformed,
    request(),
    binary({ CE_Type: 'nl.medmij.authorization.granted.v1' }),
  );
  add('a header of invalid UTF-8', malformed, request(), binary({ ce_id: Buffer.from([0xff]) }));
  add('another content type', 'unsupported_media_type', request(), binary({ 'content-type': 'application/xml' }));
  add('Avro', 'unsupported_media_type', Buffer.from([0, 0, 0, 0, 7]), binary({ 'content-type': 'application/avro' }));
  add('structured, no object', malformed, '"text"', structuredHeaders);
  add('structured, no JSON', malformed, subject, structuredHeaders);
  add('structured, an attribute that is an object', malformed, structured({ subject: { a: 1 } }), structuredHeaders);
  add('structured, no data', malformed, structured({ data: undefined }), structuredHeaders);
  add('structured, data as base64', malformed, structured({ data: undefined, data_base64: 'e30=' }), structuredHeaders);
  add(
    'structured, other data',
    'unsupported_media_type',
    structured({ datacontenttype: 'text/xml' }),
    structuredHeaders,
  );
  add('structured, a field twice', malformed, structured().replace('{', '{"id":"1",'), structuredHeaders);
  add(
    'structured, a field of the data twice',
    malformed,
    structured().replace('"data":{', '"data":{"subject":"x",'),
    structuredHeaders,
  );
  add('an unknown client', 'unknown_client', request({ client_id: 'nobody.example' }), binary());
  add('no scope', 'scope_invalid', request({ scope: 'openid' }), binary());
  add('an unknown service', 'unknown_service', request({ scope: 'subscribe~5/eenofanderezorgaanbieder~99' }), binary());
  add('an unknown provider', 'unknown_provider', request({ scope: 'subscribe~5/nobodyinparticular~42' }), binary());
  add(
    'days above the maximum',
    'duration_above_maximum',
    request({ scope: 'subscribe~366/eenofanderezorgaanbieder~42' }),
    binary(),
  );
  add('an old authorization', 'authorization_stale', request({ authorized_at: '2020-01-01T00:00:00Z' }), binary());
  add(
    'an ending of nothing',
    'not_subscribed',
    request({ scope: 'subscribe~0/eenofanderezorgaanbieder~42' }),
    binary(),
  );
  add('no key', malformed, '{', binary(), null);
  add(
    'dead-letter headers of its own',
    malformed,
    '{',
    binary({ 'x-dead-letter-reason': 'none', 'x-dead-letter-topic': 'x' }),
  );
  add('a header without a value', malformed, '{', binary({ ce_subject: null as unknown as string }));

  const buried = (index: number): SeenRecord | undefined =>
    service.world.otherSide.seen.find(
      ({ topic, headers }) => topic === deadLetters && headers['x-case'] === String(index),
    );

  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
    const { otherSide } = service.world;
    await eventually(async () => expect((await service.send('GET', '/health/ready', {})).body.status).toBe('ok'));
    // kafkajs can read a header without a value and cannot write one: its size is asked of Buffer.
    const byteLength = Buffer.byteLength;
    const sizes = jest.spyOn(Buffer, 'byteLength');
    sizes.mockImplementation((value, encoding) => (value === null ? 0 : byteLength(value, encoding)));
    for (const { key, value, headers } of cases) await otherSide.send(inbox, { key, value, headers });
    sizes.mockRestore();
    await otherSide.follow(deadLetters, 'medmij.subscriptions.v1');
    await eventually(() => {
      const missing = cases.filter((_case, index) => !buried(index)).map(({ what }) => what);
      expect(missing).toEqual([]);
    });
  });
  afterAll(() => service.stop());

  it.each(cases.map((given, index) => ({ ...given, index })))(
    '$what is a dead letter: $reason',
    ({ index, reason, key, value, headers }) => {
      const letter = buried(index)!;
      expect(letter.headers['x-dead-letter-reason']).toBe(reason);
      expect(letter.headers['x-dead-letter-detail']).toMatch(/./);
      expect(letter.headers['x-dead-letter-detail']).not.toContain(subject);
      expect(letter.headers['x-dead-letter-topic']).toBe(inbox);
      expect(letter.headers['x-dead-letter-partition']).toMatch(/^\d+$/);
      expect(letter.headers['x-dead-letter-offset']).toMatch(/^\d+$/);
      // Key, value and headers whole, so that it can be read, mended and played back.
      expect(letter.key).toBe(key);
      expect(letter.value).toBe(value === null ? null : value.toString());
      for (const [name, header] of Object.entries(headers)) {
        if (header === undefined || name.startsWith('x-dead-letter-')) continue;
        expect(letter.headers[name]).toBe(Array.isArray(header) ? header.map(String).join(',') : String(header ?? ''));
      }
    },
  );

  it('takes no record for ever: one too large for any dead letter is cut, and the next one has its turn', async () => {
    const producer = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const send = (messages: Message[], compression: CompressionTypes) =>
      producer.send({ topic: `${service.world.env.KAFKA_TOPIC_PREFIX}${inbox}`, messages, compression });
    const zeros = Buffer.alloc(3_000_000);
    await send([{ key: 'bomb', value: zeros, headers: binary() }], CompressionTypes.GZIP);
    await send([{ key: zeros, partition: 0, value: '{', headers: binary() }], CompressionTypes.GZIP);
    await send([{ key: 'header bomb', value: '{', headers: binary({ ce_id: zeros }) }], CompressionTypes.GZIP);
    await send([{ key: 'almost', value: Buffer.alloc(1_047_900), headers: binary() }], CompressionTypes.None);
    await producer.disconnect();
    const cut = await eventually(() => {
      const letters = service.world.otherSide.seen.filter(({ headers }) => headers['x-dead-letter-cut'] !== undefined);
      expect(letters).toHaveLength(4);
      return letters;
    });
    for (const { headers, value, key } of cut) {
      expect(headers['x-dead-letter-cut']).toMatch(/^from \d+ bytes$/);
      expect(value!.length).toBeLessThanOrEqual(64 * 1024);
      expect(key!.length).toBeLessThanOrEqual(4 * 1024);
    }
    await service.world.otherSide.send(
      inbox,
      ...['bomb', 'header bomb', 'almost'].map((key) => ({ key, value: '{', headers: binary({ 'x-after': key }) })),
    );
    await eventually(() => {
      const after = service.world.otherSide.seen.filter(({ headers }) => headers['x-after'] !== undefined);
      expect(after).toHaveLength(3);
    });
  });

  it('has left nothing behind: no event, no command, no person, nothing published, and no word of the subject', async () => {
    expect(await recorded(service.world)).toEqual(nothingRecorded);
    expect(service.world.otherSide.seen.filter(({ topic }) => topic !== deadLetters)).toEqual([]);
    expectQuietLog(service.world, subject);
  });

  it('lets good records pass between the bad ones, with a trace that can stand in a header', async () => {
    const { otherSide } = service.world;
    const person = somePerson();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await otherSide.send(
      inbox,
      {
        key: person,
        value: JSON.stringify(authorizedRequest({ subject: person })),
        headers: binary({
          ce_correlationid: 'a b\r\nX-Evil: 1',
          ce_traceparent: `${subject}\r\nX-Evil: 1`,
          ce_id: `id ${subject}`,
        }),
      },
      {
        key: somePerson(),
        value: structured({
          data: authorizedRequest({ subject: somePerson() }),
          traceparent,
          correlationid: 'good',
          subject: null,
        }),
        headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      },
    );
    const events = await eventually(() => {
      const published = otherSide.seen.filter(({ topic }) => topic === 'medmij.subscriptions.v1');
      expect(published).toHaveLength(2);
      return published;
    });
    const [evil, good] = [
      events.find(({ headers }) => headers.ce_correlationid !== 'good')!,
      events.find(({ headers }) => headers.ce_correlationid === 'good')!,
    ];
    expect(evil.headers.ce_correlationid).toMatch(/^[0-9a-f-]{36}$/);
    expect(evil.headers.ce_traceparent).toBeUndefined();
    expect(JSON.stringify(evil)).not.toContain(subject);
    expect(good.headers.ce_traceparent).toBe(traceparent);
    expectQuietLog(service.world, subject, person);
  });
});
