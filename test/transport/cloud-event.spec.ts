import { describe, expect, it } from '@jest/globals';
import { CloudEvent as SdkEvent, Kafka as SdkKafka, type KafkaMessage } from 'cloudevents';
import fc from 'fast-check';
import { type RefusalCode, Refused } from '../../src/refusals';
import { type CloudEvent, fromRecord, type IncomingRecord, toRecord } from '../../src/transport';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const event: CloudEvent = {
  id: 'event-1',
  source: 'https://subscriptions.example',
  type: 'nl.medmij.subscription.started.v1',
  subject: '0b9f7a44-5b0e-8c11-9d3e-5f0c7d2a1b33.1',
  time: '2026-03-01T11:00:00.123Z',
  extensions: { streamversion: '1', correlationid: 'conversation', traceparent },
  data: { end_date: '2026-07-01', text: 'é \u{1F600}', nested: { empty: null, list: [1, true] } },
};

/** A record as it comes in: all headers and the value as bytes. */
function incoming(
  headers: Record<string, string | Buffer | string[] | undefined>,
  value: string | Buffer | null | object = {},
): IncomingRecord {
  const bytes = (content: string | Buffer) => Buffer.from(content as string);
  return {
    topic: 'medmij.authorizations.v1',
    partition: 0,
    offset: '0',
    key: null,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, content]) => [
        name,
        content === undefined ? undefined : Array.isArray(content) ? content.map(bytes) : bytes(content),
      ]),
    ),
    value:
      value === null
        ? null
        : Buffer.isBuffer(value)
          ? value
          : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  };
}

const asSent = ({ headers, value }: KafkaMessage<unknown>) =>
  incoming(
    Object.fromEntries(
      Object.entries(headers).map(([name, content]) => [name, content === undefined ? undefined : String(content)]),
    ),
    value as object,
  );

const binary = { ce_specversion: '1.0', ce_id: 'i', ce_source: 's', ce_type: 't' };
const structured = { specversion: '1.0', id: 'i', source: 's', type: 't', data: { a: 1 } };
const structuredHeader = { 'content-type': 'application/cloudevents+json' };

function refusalOf(record: IncomingRecord): { code: RefusalCode; detail: string } | 'taken' {
  try {
    fromRecord(record);
    return 'taken';
  } catch (error) {
    if (error instanceof Refused) return { code: error.code, detail: error.detail };
    throw error;
  }
}

describe('a CloudEvent on Kafka', () => {
  const { extensions, ...attributes } = event;
  const sdkEvent = new SdkEvent({ ...attributes, datacontenttype: 'application/json', ...extensions });

  it('that we send in binary mode is what the SDK of the CNCF reads', () => {
    const { headers, value, key, topic } = toRecord(event, 'topic', 'key');
    expect({ key, topic }).toEqual({ key: 'key', topic: 'topic' });
    const read = SdkKafka.toEvent({ headers, value, key } as never) as SdkEvent;
    expect(read.validate()).toBe(true);
    expect(read).toMatchObject({
      ...attributes,
      ...extensions,
      specversion: '1.0',
      datacontenttype: 'application/json',
    });
  });

  it('that we send has a header for each attribute, and none for one that is not there', () => {
    const { subject: _subject, time: _time, ...least } = event;
    expect(Object.keys(toRecord({ ...least, extensions: {} }, 'topic', 'key').headers).sort()).toEqual([
      'ce_id',
      'ce_source',
      'ce_specversion',
      'ce_type',
      'content-type',
    ]);
  });

  it.each(['binary', 'structured'] as const)('that the SDK sends in %s mode is what we read', (mode) => {
    expect(fromRecord(asSent(SdkKafka[mode](sdkEvent)))).toEqual(event);
  });

  it('comes back as it was sent, whatever is in it', () => {
    const name = fc
      .stringMatching(/^[a-z0-9]{1,20}$/)
      .filter((text) => !(text in { ...attributes, specversion: 1, datacontenttype: 1, traceparent: 1 }));
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const any = fc.record({
      id: text,
      source: text,
      type: text,
      subject: fc.option(text, { nil: undefined }),
      time: fc.option(fc.constant('2026-03-01T11:00:00Z'), { nil: undefined }),
      extensions: fc.dictionary(name, text, { noNullPrototype: true }),
      data: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    });
    fc.assert(
      fc.property(any, (one) => {
        const { headers, value } = toRecord(one, 'topic', 'key');
        expect(fromRecord(incoming(headers as Record<string, string>, value))).toEqual(one);
        const { extensions: more, ...rest } = one;
        expect(fromRecord(incoming(structuredHeader, { specversion: '1.0', ...rest, ...more }))).toEqual(one);
      }),
    );
  });

  it.each<[string, IncomingRecord]>([
    ['without a content type', incoming(binary)],
    ['with a character set', incoming({ ...binary, 'content-type': 'application/json; charset=utf-8' })],
    [
      'with names in capitals',
      incoming({ CE_SpecVersion: '1.0', CE_ID: 'i', ce_Source: 's', ce_type: 't', 'Content-Type': 'Application/JSON' }),
    ],
    [
      'with headers that are none of its own',
      incoming({ ...binary, other: 'x', several: ['x', 'y'], bytes: Buffer.from([255]) }),
    ],
    ['with a header that holds nothing', incoming({ ...binary, ce_gone: undefined })],
    [
      'in structured mode, with a character set',
      incoming({ 'content-type': 'application/cloudevents+json; charset=UTF-8' }, structured),
    ],
    [
      'in structured mode, saying what its data are',
      incoming(structuredHeader, { ...structured, datacontenttype: 'application/json' }),
    ],
    [
      'in structured mode, with null for what is not there',
      incoming(structuredHeader, { ...structured, subject: null, more: null }),
    ],
  ])('is taken %s', (_, record) => {
    expect(fromRecord(record)).toMatchObject({ id: 'i', source: 's', type: 't' });
  });

  it('keeps a trace context, and leaves out a text that is none', () => {
    expect(fromRecord(incoming({ ...binary, ce_traceparent: traceparent })).extensions).toEqual({ traceparent });
    expect(fromRecord(incoming({ ...binary, ce_traceparent: 'x\r\nhost: evil' })).extensions).toEqual({});
  });

  const without = <Whole extends object>(whole: Whole, name: string) =>
    Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name)) as Record<string, string>;
  const secret = '999999990';

  it.each<[string, RefusalCode, IncomingRecord]>([
    ...['specversion', 'id', 'source', 'type'].flatMap((name): [string, RefusalCode, IncomingRecord][] => [
      [`binary without ${name}`, 'malformed_request', incoming(without(binary, `ce_${name}`))],
      [`binary with an empty ${name}`, 'malformed_request', incoming({ ...binary, [`ce_${name}`]: '' })],
      [`structured without ${name}`, 'malformed_request', incoming(structuredHeader, without(structured, name))],
      [
        `structured with an object as ${name}`,
        'malformed_request',
        incoming(structuredHeader, { ...structured, [name]: { a: secret } }),
      ],
    ]),
    ['of another version', 'malformed_request', incoming({ ...binary, ce_specversion: '0.3' })],
    ['without any header', 'malformed_request', incoming({})],
    ['with a header given twice', 'malformed_request', incoming({ ...binary, ce_id: ['i', secret] })],
    ['with a header given twice in two spellings', 'malformed_request', incoming({ ...binary, CE_ID: 'i' })],
    ['with a header that is not UTF-8', 'malformed_request', incoming({ ...binary, ce_subject: Buffer.from([0xff]) })],
    ['with no value', 'malformed_request', incoming(binary, null)],
    ['with an empty value', 'malformed_request', incoming(binary, '')],
    ['with a value that is not JSON', 'malformed_request', incoming(binary, `{"subject": ${secret}`)],
    ['with a value that is not UTF-8', 'malformed_request', incoming(binary, Buffer.from([0x22, 0xff, 0x22]))],
    ['with a field named twice', 'malformed_request', incoming(binary, `{"a": 1, "a": "${secret}"}`)],
    ['with a value above 64 KiB', 'payload_too_large', incoming(binary, JSON.stringify('x'.repeat(64 * 1024)))],
    ['of another content type', 'unsupported_media_type', incoming({ ...binary, 'content-type': 'application/xml' })],
    [
      'of a content type that only begins alike',
      'unsupported_media_type',
      incoming({ ...binary, 'content-type': 'application/json5' }),
    ],
    [
      'in batched mode',
      'unsupported_media_type',
      incoming({ 'content-type': 'application/cloudevents-batch+json' }, [structured]),
    ],
    [
      'in structured mode as XML',
      'unsupported_media_type',
      incoming({ 'content-type': 'application/cloudevents+xml' }, structured),
    ],
    [
      'structured, with other data than JSON',
      'unsupported_media_type',
      incoming(structuredHeader, { ...structured, datacontenttype: 'text/plain' }),
    ],
    ['structured, as a list', 'malformed_request', incoming(structuredHeader, [structured])],
    ['structured, as null', 'malformed_request', incoming(structuredHeader, 'null')],
    ['structured, as a text', 'malformed_request', incoming(structuredHeader, JSON.stringify(secret))],
    [
      'structured, with a list as an extension',
      'malformed_request',
      incoming(structuredHeader, { ...structured, more: [secret] }),
    ],
  ])('is refused %s', (_, code, record) => {
    const refusal = refusalOf(record);
    expect(refusal).toMatchObject({ code });
    expect(JSON.stringify(refusal)).not.toContain(secret);
  });
});
