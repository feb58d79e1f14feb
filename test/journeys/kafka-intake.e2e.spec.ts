import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Consumer, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { eventDataSchemas } from '../../src/subscriptions';
import { type AuthorizedRequestBody, authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { brokers, type SeenRecord } from '../support/kafka';
import { binary, granted, type Sent } from './records';
import { accepted, ask, historyOf, isReady, itemOf, recorded, rowsOf, scopeOf } from './walk';

const incoming = 'medmij.authorizations.v1';
const publicUrl = 'https://subscriptions.dva.example';

function structured(data: unknown, attributes: object = {}): Sent {
  const event = { specversion: '1.0', id: randomUUID(), source: 'urn:as', type: granted, data, ...attributes };
  return {
    key: randomUUID(),
    value: JSON.stringify(event),
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  };
}

describe('the Kafka door for authorized requests', () => {
  let service: TestService;
  let consumer: Consumer;
  /** The dead letters byte for byte. */
  const deadLetters: KafkaMessage[] = [];
  beforeAll(async () => {
    service = await TestService.start({ PUBLIC_URL: publicUrl });
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1');
    const kafka = new Kafka({ clientId: 'dead-letter-reader', brokers: brokers(), logLevel: logLevel.NOTHING });
    consumer = kafka.consumer({ groupId: `dead-letter-reader-${randomUUID()}`, maxWaitTimeInMs: 50 });
    await consumer.connect();
    const topic = `${service.world.env.KAFKA_TOPIC_PREFIX}medmij.dead-letters.v1`;
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void deadLetters.push(message)) });
  });
  afterAll(async () => {
    await consumer.disconnect();
    await service.stop();
  });

  const send = (...records: Sent[]) => service.world.otherSide.send(incoming, ...records);
  const publishedOf = (authorizationId: string): SeenRecord[] =>
    service.world.otherSide.seen.filter(({ value }) => value?.includes(JSON.stringify(authorizationId)));
  const published = (authorizationId: string) =>
    eventually(() => {
      const [record] = publishedOf(authorizationId);
      if (!record) throw new Error(`nothing was published for ${authorizationId}`);
      return record;
    });
  const deadLetterOf = (sent: Sent): KafkaMessage | undefined =>
    deadLetters.find(({ key, value }) =>
      sent.key === null ? value?.equals(Buffer.from(sent.value ?? '')) : key?.toString() === sent.key,
    );
  const buried = (sent: Sent) =>
    eventually(() => {
      const letter = deadLetterOf(sent);
      if (!letter) throw new Error('the record was not dead-lettered');
      return letter;
    });
  const headerOf = ({ headers }: KafkaMessage, name: string) => headers?.[name]?.toString();

  it.each([
    ['binary', (request: object, ids: IHeaders) => binary(request, ids)],
    [
      'structured',
      (request: object, ids: IHeaders) =>
        structured(
          request,
          Object.fromEntries(Object.entries(ids).map(([name, value]) => [name.replace('ce_', ''), value])),
        ),
    ],
  ])('takes a record in %s mode, and the event comes out with every header of the contract', async (_, record) => {
    const request = authorizedRequest();
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    const ids = { ce_id: `event-${randomUUID()}`, ce_correlationid: 'conversation-9', ce_traceparent: traceparent };
    await send(record(request, ids));
    const out = await published(request.authorization_id);
    const [event] = await eventually(() => historyOf(service, out.headers.ce_subject!));

    expect(out.key).toBe(event!.data.subscription_id!.toString().slice(0, 36));
    expect(out.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: event!.event_id,
      ce_source: publicUrl,
      ce_type: 'nl.medmij.subscription.started.v1',
      ce_subject: event!.data.subscription_id,
      ce_time: event!.occurred_at,
      ce_streamversion: '1',
      ce_correlationid: 'conversation-9',
      ce_causationid: ids.ce_id,
      ce_traceparent: traceparent,
      'content-type': 'application/json',
    });
    expect(JSON.parse(out.value!)).toEqual(event!.data);
    expect(event!.correlation_id).toBe('conversation-9');
    expect(eventDataSchemas['nl.medmij.subscription.started.v1'].parse(event!.data)).toEqual(event!.data);
    expect(event!.data).toMatchObject({
      authorization_id: request.authorization_id,
      authorized_at: request.authorized_at,
      client_id: 'localhost',
    });
    await eventually(() => expect(service.world.dvp.of(out.headers.ce_subject!)).toHaveLength(1));
  });

  it('leaves out a trace context that was not sent, and makes a correlation id', async () => {
    const request = authorizedRequest();
    await send(binary(request));
    const { headers } = await published(request.authorization_id);
    expect(headers.ce_correlationid).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers).not.toHaveProperty('ce_traceparent');
  });

  it('passes on the trace context of an HTTP request too', async () => {
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    const authorization_id = randomUUID();
    await ask(
      service,
      { authorization_id },
      { traceparent, 'medmij-request-id': 'request-7', 'x-correlation-id': 'conversation-7' },
    );
    expect((await published(authorization_id)).headers).toMatchObject({
      ce_traceparent: traceparent,
      ce_correlationid: 'conversation-7',
      ce_causationid: 'request-7',
    });
  });

  it('carries out the requests of one key in the order in which they were sent', async () => {
    const subject = somePerson();
    const key = randomUUID();
    const now = Date.now() - 60_000;
    const at = (ms: number) => new Date(now + ms).toISOString();
    const days = [180, 20, 0, 30, 10, 0];
    const requests = days.map((count, n) =>
      authorizedRequest({ subject, scope: scopeOf(count), authorized_at: at(n * 1_000) }),
    );
    await send(...requests.map((request) => binary(request, {}, key)));
    await published(requests.at(-1)!.authorization_id);
    const records = requests.flatMap(({ authorization_id: id }) => publishedOf(id));
    expect(records.map(({ headers }) => [headers.ce_type!.split('.')[3], headers.ce_streamversion])).toEqual([
      ['started', '1'],
      ['adjusted', '2'],
      ['terminated', '3'],
      ['started', '4'],
      ['adjusted', '5'],
      ['terminated', '6'],
    ]);
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
    expect(records.map(({ headers }) => headers.ce_subject!.slice(-2))).toEqual(['.1', '.1', '.1', '.2', '.2', '.2']);
    for (const { headers, value } of records) {
      const schema = eventDataSchemas[headers.ce_type as keyof typeof eventDataSchemas];
      expect(schema.parse(JSON.parse(value!))).toEqual(JSON.parse(value!));
    }
  });

  const good = () => authorizedRequest();
  const bad: [string, () => Sent, string][] = [
    ['that is no JSON', () => ({ ...binary({}), value: '{"a":' }), 'malformed_request'],
    ['without a value', () => ({ ...binary({}), value: null }), 'malformed_request'],
    ['with an empty value', () => ({ ...binary({}), value: '' }), 'malformed_request'],
    [
      'that is no UTF-8',
      () => ({ ...binary({}), value: Buffer.from('{"a":"\u00ff"}', 'latin1') }),
      'malformed_request',
    ],
    ['of random bytes', () => ({ ...binary({}), value: randomBytes(300) }), 'malformed_request'],
    [
      'of more than 64 KiB',
      () => ({ ...binary({}), value: JSON.stringify({ ...good(), padding: 'x'.repeat(65_536) }) }),
      'payload_too_large',
    ],
    ['without any header', () => ({ ...binary(good()), headers: {} }), 'malformed_request'],
    ['without a ce_id', () => binary(good(), { ce_id: undefined }), 'malformed_request'],
    ['without a ce_source', () => binary(good(), { ce_source: undefined }), 'malformed_request'],
    ['without a ce_type', () => binary(good(), { ce_type: undefined }), 'malformed_request'],
    ['of another specversion', () => binary(good(), { ce_specversion: '0.3' }), 'malformed_request'],
    ['of another type', () => binary(good(), { ce_type: 'nl.medmij.authorization.granted.v2' }), 'malformed_request'],
    ['with a header given twice', () => binary(good(), { ce_id: ['a', 'b'] }), 'malformed_request'],
    ['with a header that is no UTF-8', () => binary(good(), { ce_id: Buffer.from([0xff, 0xfe]) }), 'malformed_request'],
    ['of another content type', () => binary(good(), { 'content-type': 'text/plain' }), 'unsupported_media_type'],
    ['with an unknown field', () => binary({ ...good(), colour: 'green' }), 'malformed_request'],
    ['with the subject as a field name', () => binary({ ...good(), [somePerson()]: 1 }), 'malformed_request'],
    ['without a subject', () => binary({ ...good(), subject: undefined }), 'malformed_request'],
    ['with a number as a subject', () => binary({ ...good(), subject: 999990019 }), 'malformed_request'],
    ['with a moment that is none', () => binary({ ...good(), authorized_at: somePerson() }), 'malformed_request'],
    ['that is a list', () => binary([good()]), 'malformed_request'],
    ['that is null', () => binary(null), 'malformed_request'],
    ['in structured mode that is a list', () => ({ ...structured({}), value: '[]' }), 'malformed_request'],
    ['in structured mode without data', () => structured(undefined), 'malformed_request'],
    ['in structured mode with an object as id', () => structured(good(), { id: {} }), 'malformed_request'],
    [
      'in structured mode with other data',
      () => structured(good(), { datacontenttype: 'text/xml' }),
      'unsupported_media_type',
    ],
    [
      'without a key and without sense',
      () => ({ ...binary({}, {}, null), value: `no ${randomUUID()}` }),
      'malformed_request',
    ],
    [
      'of a client that is not listed',
      () => binary({ ...good(), client_id: 'unknown-client.example' }),
      'unknown_client',
    ],
    ['with a bad scope', () => binary({ ...good(), scope: 'openid' }), 'scope_invalid'],
    ['for a service nobody knows', () => binary({ ...good(), scope: scopeOf(1, undefined, '99') }), 'unknown_service'],
    [
      'for a service the client does not have',
      () => binary({ ...good(), client_id: 'no-services.example' }),
      'service_not_listed_for_client',
    ],
    [
      'of a client without endpoints',
      () => binary({ ...good(), client_id: 'no-endpoints.example' }),
      'client_endpoints_missing',
    ],
    [
      'at a provider nobody knows',
      () => binary({ ...good(), scope: scopeOf(1, 'onbekendeaanbieder') }),
      'unknown_provider',
    ],
    [
      'for a service not opened up here',
      () => binary({ ...good(), scope: scopeOf(1, 'anderezorgaanbieder') }),
      'service_not_offered',
    ],
    [
      'at a provider without subscriptions',
      () => binary({ ...good(), scope: scopeOf(1, 'aanbiederzonderabonneren') }),
      'subscriptions_not_offered',
    ],
    ['for too many days', () => binary({ ...good(), scope: scopeOf(366) }), 'duration_above_maximum'],
    ['from the future', () => binary({ ...good(), authorized_at: '2099-01-01T00:00:00Z' }), 'authorization_stale'],
    ['to end what never was', () => binary({ ...good(), scope: scopeOf(0) }), 'not_subscribed'],
  ];

  it('puts every record it refuses whole among the dead letters, says why, and goes on behind it', async () => {
    const before = await recorded(service);
    const sent = bad.map(([, make]) => make());
    const behind = authorizedRequest();
    // One after the other in one partition each: a refused one must not hold up what comes behind it.
    const followers = sent.map(({ key }) => binary(authorizedRequest(), {}, key));
    await send(...sent, binary(behind));
    await send(...followers);
    for (const [index, [what, , code]] of bad.entries()) {
      const record = sent[index]!;
      const letter = await buried(record);
      expect([what, headerOf(letter, 'x-dead-letter-reason')]).toEqual([what, code]);
      expect(letter.key?.toString() ?? null).toBe(record.key);
      expect([what, letter.value?.toString('hex')]).toEqual([
        what,
        record.value === null ? undefined : Buffer.from(record.value).toString('hex'),
      ]);
      const { headers = {} } = letter;
      for (const [name, value] of Object.entries(record.headers))
        expect([name, bytes(headers[name])]).toEqual([name, bytes(value)]);
      const added = Object.keys(headers).filter((name) => !(name in record.headers));
      expect(added.sort()).toEqual(
        ['detail', 'offset', 'partition', 'reason', 'topic'].map((name) => `x-dead-letter-${name}`),
      );
      expect(headerOf(letter, 'x-dead-letter-topic')).toBe(incoming);
      expect(headerOf(letter, 'x-dead-letter-partition')).toMatch(/^\d+$/);
      expect(headerOf(letter, 'x-dead-letter-offset')).toMatch(/^\d+$/);
      expect(headerOf(letter, 'x-dead-letter-detail')).toBeTruthy();
    }
    await published(behind.authorization_id);
    for (const { value } of followers)
      await published((JSON.parse(String(value)) as AuthorizedRequestBody).authorization_id);
    expect((await recorded(service)).event).toBe(before.event + 1 + followers.length);
    expect(deadLetters).toHaveLength(bad.length);
  });

  it('says nothing about the person in the headers it adds', async () => {
    const subject = somePerson();
    const sent = [
      binary({ ...authorizedRequest(), subject: [subject] }),
      binary({ ...authorizedRequest({ subject }), [subject]: subject }),
      binary({ ...authorizedRequest({ subject }), authorized_at: subject }),
      binary({ ...authorizedRequest({ subject }), scope: subject }),
      binary({ ...authorizedRequest({ subject }), client_id: subject }),
      { ...binary({}), value: `{"subject":"${subject}"` },
    ];
    await send(...sent);
    for (const record of sent) {
      const { headers = {} } = await buried(record);
      for (const [name, value] of Object.entries(headers))
        if (name.startsWith('x-dead-letter-')) expect(String(value)).not.toContain(subject);
    }
  });

  it('refuses another content under a used authorization_id, and repeats of the same are nothing new', async () => {
    const request = authorizedRequest();
    // Of one key, so that the first one sent is the first one handled.
    const key = randomUUID();
    const conflict = binary({ ...request, scope: scopeOf(5) }, {}, key);
    await send(binary(request, {}, key), binary(request, {}, key), conflict);
    expect(headerOf(await buried(conflict), 'x-dead-letter-reason')).toBe('authorization_conflict');
    await published(request.authorization_id);
    expect(publishedOf(request.authorization_id)).toHaveLength(1);
    const { subscription_id: id } = JSON.parse((await published(request.authorization_id)).value!) as {
      subscription_id: string;
    };
    await eventually(async () => expect(await itemOf(service, id)).toMatchObject({ version: 1 }));
  });

  it('treats a malformed trace context or correlation id as if it were not there', async () => {
    const requests = [authorizedRequest(), authorizedRequest(), authorizedRequest()];
    await send(
      binary(requests[0], { ce_traceparent: 'nonsense', ce_correlationid: 'two words' }),
      binary(requests[1], { ce_traceparent: '00-\u0000', ce_correlationid: '\u0000' }),
      binary(requests[2], { ce_id: 'an id with spaces \u00e9' }),
    );
    for (const { authorization_id: id } of requests) {
      const { headers } = await published(id);
      expect(headers).not.toHaveProperty('ce_traceparent');
      expect(headers.ce_correlationid).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.ce_causationid).toMatch(/^[\x21-\x7e]{1,128}$/);
    }
  });

  it('leaves a line in the audit trail for what no event says: a refusal, a repeat, a record without any id', async () => {
    const conversation = randomUUID();
    const [refused, first, repeat] = [randomUUID(), randomUUID(), randomUUID()];
    const request = authorizedRequest();
    const ids = (ce_id: string) => ({ ce_id, ce_correlationid: conversation });
    const unreadable = { ...binary(authorizedRequest()), headers: {} };
    await send(binary(authorizedRequest({ scope: scopeOf(9000) }), ids(refused)), binary(request, ids(first)));
    await published(request.authorization_id);
    await send(binary(request, ids(repeat)), unreadable);
    await buried(unreadable);
    const linesOf = async (query: string) =>
      (await service.get<{ items: Record<string, unknown>[] }>(`/ops/api/audit?${query}`)).body.items;
    const line = { source: 'operation', who: 'kafka', what: `consume ${incoming}`, correlation_id: conversation };
    const details = { partition: expect.any(Number), offset: expect.any(String) };
    await eventually(async () => {
      expect(await linesOf(`request_id=${refused}`)).toMatchObject([
        { ...line, request_id: refused, outcome: 'duration_above_maximum', details },
      ]);
      expect(await linesOf(`request_id=${repeat}`)).toMatchObject([{ ...line, outcome: 'done', details }]);
      // The event says it.
      expect(await linesOf(`request_id=${first}`)).toMatchObject([{ source: 'event' }]);
      const told = await linesOf(`correlation_id=${conversation}`);
      expect(told.filter(({ source }) => source === 'operation')).toHaveLength(2);
      const unnamed = await rowsOf(
        service,
        `select outcome from audit_line where who = 'kafka' and request_id is null and correlation_id is null`,
      );
      expect(unnamed).toContainEqual({ outcome: 'malformed_request' });
    });
  });

  it('creates the topics with 12 partitions, and those that hold subjects with 7 days at most', async () => {
    const prefix = service.world.env.KAFKA_TOPIC_PREFIX!;
    const admin = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const names = ['medmij.subscriptions.v1', 'medmij.clients.v1', incoming, 'medmij.dead-letters.v1'].map(
        (name) => prefix + name,
      );
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      expect(topics.map(({ partitions }) => partitions.length)).toEqual([12, 12, 12, 12]);
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({ type: 2, name })),
      });
      const setting = (name: string, config: string) =>
        resources
          .find((resource) => resource.resourceName === name)!
          .configEntries.find(({ configName }) => configName === config)!.configValue;
      for (const name of names.slice(2)) expect(Number(setting(name, 'retention.ms'))).toBeLessThanOrEqual(604_800_000);
      for (const name of names.slice(0, 2)) expect(setting(name, 'cleanup.policy')).toBe('delete');
    } finally {
      await admin.disconnect();
    }
  });

  it('takes up after a restart where it was, without doing anything twice', async () => {
    await accepted(service);
    const before = await rowsOf(service, 'select event_id from event');
    const letters = deadLetters.length;
    const request = authorizedRequest();
    // Without the role that takes requests in, the record waits.
    await service.restart({ ROLES: 'relay,projector,delivery,scheduler' });
    await send(binary(request));
    await service.restart({ ROLES: 'api,relay,projector,delivery,scheduler' });
    await published(request.authorization_id);
    expect(await rowsOf(service, 'select event_id from event')).toHaveLength(before.length + 1);
    expect(deadLetters).toHaveLength(letters);
  });
});

function bytes(value: IHeaders[string]): string[] {
  return [value ?? []].flat().map((one) => Buffer.from(one).toString('hex'));
}
