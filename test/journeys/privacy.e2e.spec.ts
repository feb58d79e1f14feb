import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueToken } from '../../dev/tokens';
import { PersonKey } from '../../src/persons/person-key';
import { authorizedRequest, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, isReady, itemOf, rowsOf, scopeOf, type Standing } from './walk';

/** Numbers in the form of a BSN, recognisable wherever they turn up. */
const subjects = ['999990019', '999990020', '999990032'];
const issuer = 'urn:oid:2.16.840.1.113883.2.4.6.3';

/** Every way in which a subject could leak without a key: itself, and what anybody could compute from it. */
function traces(subject: string): string[] {
  const texts = [
    subject,
    `${issuer}${subject}`,
    `${issuer}|${subject}`,
    `${issuer}:${subject}`,
    `${issuer.length}:${issuer}${subject}`,
  ];
  const hashes = texts.flatMap((text) =>
    ['sha256', 'sha1', 'md5', 'sha512'].flatMap((algorithm) => {
      const digest = createHash(algorithm).update(text).digest();
      return [digest.toString('hex'), digest.toString('base64'), digest.toString('base64url')];
    }),
  );
  const bytes = Buffer.from(subject);
  return [subject, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), ...hashes];
}

describe('after everything that can happen to a request, nobody finds the person or a token', () => {
  let service: TestService;
  /** What must not be found, by what it is. */
  const secrets = new Map<string, string>();
  const answers: string[] = [];
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  beforeAll(async () => {
    for (const [index, subject] of subjects.entries())
      for (const trace of traces(subject)) secrets.set(trace, `subject ${index + 1}`);
    for (const key of [oldKey, newKey]) secrets.set(key.toString('base64'), 'a PERSON_KEY');
    service = await TestService.start({ LOG_LEVEL: 'trace', PERSON_KEY: oldKey.toString('base64') });
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1', 'medmij.dead-letters.v1');
    await journeys();
  });
  afterAll(() => service.stop());

  /** One token for all, so that it can be looked for. */
  async function journeys(): Promise<void> {
    const { dvp, dataDir, otherSide } = service.world;
    const token = await issueToken({ dataDir, scopes: ['authorizations:write', 'ops:read', 'ops:write'] });
    const expired = await issueToken({ dataDir, scopes: ['authorizations:write'], lifetimeS: -60 });
    for (const one of [token, expired]) {
      secrets.set(one, 'a token');
      secrets.set(one.split('.')[2]!, 'the signature of a token');
    }
    const say = async (method: string, path: string, body?: object | string, authorization = `Bearer ${token}`) => {
      const answer = await service.send<Standing>(
        method,
        path,
        { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
        typeof body === 'string' ? body : body && JSON.stringify(body),
      );
      answers.push(`${answer.text} ${JSON.stringify([...answer.headers])}`);
      return answer;
    };
    const [subject, other, third] = subjects as [string, string, string];
    const request = (given: object) => authorizedRequest({ subject, ...given });

    // What is accepted, repeated, changed, ended and started again.
    const first = request({ authorization_id: 'privacy-1' });
    expect((await say('POST', '/authorizations', first)).status).toBe(201);
    await say('POST', '/authorizations', first);
    await say('POST', '/authorizations', { ...first, subject: other });
    for (const days of [30, 0, 0, 60]) await say('POST', '/authorizations', request({ scope: scopeOf(days) }));
    const withIssuer = await say('POST', '/authorizations', { ...authorizedRequest({ subject: other }), issuer });
    expect(withIssuer.status).toBe(201);

    // What is refused, in each way, with the subject in places where it does not belong.
    for (const given of [
      { client_id: 'unknown-client.example' },
      { client_id: subject },
      { scope: subject },
      { scope: scopeOf(366) },
      { authorized_at: '2099-01-01T00:00:00Z' },
      { authorized_at: subject },
      { [subject]: subject },
      { interface_version: `${subject} ${subject}` },
      { granted_days: subject },
      { subject: [subject] },
      { subject: { bsn: subject } },
      { subject: `${subject}\n` },
      { issuer: `\u0000${subject}` },
    ])
      await say('POST', '/authorizations', request(given));
    await say('POST', '/authorizations', `{"subject":"${subject}"`);
    await say('POST', '/authorizations', `"${subject}"`);
    await say('POST', `/authorizations?subject=${subject}`, first);
    await say('GET', `/authorizations/${subject}`);
    await say('GET', `/ops/api/subscriptions?person_id=${subject}`);
    await say('GET', `/ops/api/subscriptions?${subject}=1`);
    await say('GET', `/ops/api/subscriptions/${subject}`);
    await say('GET', `/ops/api/subscriptions/${subject}/history`);
    await say('GET', `/ops/api/subscriptions?after=${subject}`);
    await say('GET', `/ops/api/subscriptions?wait_for=${subject}`);
    await say('POST', `/ops/api/deliveries/${subject}/retry`);
    await say('POST', '/authorizations', first, `Bearer ${expired}`);
    await say('POST', '/authorizations', first, `Bearer ${token}x`);
    await say('POST', '/authorizations', first, `Bearer ${token.slice(0, -2)}`);
    await say('POST', `/authorizations?access_token=${token}`, first, '');

    // The other door.
    const record = (value: string, headers: Record<string, string> = {}) => ({
      key: 'any',
      value,
      headers: {
        ce_specversion: '1.0',
        ce_id: 'privacy',
        ce_source: 'urn:as',
        ce_type: 'nl.medmij.authorization.granted.v1',
        ...headers,
      },
    });
    await otherSide.send(
      'medmij.authorizations.v1',
      record(JSON.stringify(authorizedRequest({ subject: third, authorization_id: 'privacy-kafka' }))),
      record(JSON.stringify(authorizedRequest({ subject: third, client_id: third }))),
      record(JSON.stringify({ ...authorizedRequest({ subject: third }), [third]: third })),
      record(`{"subject":"${third}"`),
      record(JSON.stringify(authorizedRequest({ subject: third })), { ce_type: third }),
      record(JSON.stringify({ ...first, subject: third })),
    );
    await eventually(() => expect(otherSide.seen.filter(({ topic }) => topic.includes('dead'))).toHaveLength(5));

    // The client says no, does not answer, and says that it knows nothing.
    dvp.answerWith(404);
    const dead = await accepted(service, { subject, scope: scopeOf(90, 'anderezorgaanbieder', '43') });
    await eventually(async () =>
      expect((await deliveriesOf(service, dead.subscription_id))[0]).toMatchObject({ state: 'dead' }),
    );
    await dvp.stop();
    const waiting = await accepted(service, { subject: other, scope: scopeOf(90, 'anderezorgaanbieder', '43') });
    await eventually(async () =>
      expect((await deliveriesOf(service, waiting.subscription_id))[0]).toMatchObject({ attempts: 1 }),
    );
    await dvp.start();
    dvp.answerWith(400, { error: 'invalid_subscription_id' });
    service.world.clock.advance(901_000);
    await eventually(async () =>
      expect(await itemOf(service, waiting.subscription_id)).toMatchObject({ end_reason: 'client_endpoint' }),
    );
    dvp.answer();

    // The day border, a restart with requests that repeat and a new PERSON_KEY that all persons move to.
    service.world.clock.advance(100 * 86_400_000);
    await eventually(async () =>
      expect(await itemOf(service, dead.subscription_id)).toMatchObject({ status: 'expired', version: 2 }),
    );
    await service.restart({
      PERSON_KEY: newKey.toString('base64'),
      PERSON_KEY_PREVIOUS: oldKey.toString('base64'),
    });
    await say('POST', '/authorizations', first);
    await eventually(async () => {
      const keys = await rowsOf(service, 'select distinct key_id from person');
      expect(keys).toEqual([{ key_id: new PersonKey(newKey).id }]);
    });
    for (const path of ['/ops/api/subscriptions?limit=500', '/ops/api/deliveries?limit=500', '/ops/api/lists'])
      await say('GET', path);
    await say('GET', `/ops/api/subscriptions/${dead.subscription_id}/history`);

    // A person is erased, and requests to erase one say too much.
    for (const body of [
      { person_id: other },
      { subject: other, [other]: other },
      { subject: other, reason_text: `a letter of ${other}` },
      { subject: `${other}\n` },
    ])
      expect((await say('POST', '/ops/api/persons/erase', body)).status).toBe(400);
    expect((await say('POST', '/ops/api/persons/erase', { subject: other })).status).toBe(200);
    expect((await say('POST', '/ops/api/persons/erase', { subject: other })).status).toBe(404);

    // What is over goes to the archive, and is asked for there.
    service.world.clock.advance(31 * 86_400_000);
    await eventually(
      async () =>
        expect(
          await rowsOf(service, 'select 1 from archived_event where stream_id = $1', [
            dead.subscription_id.split('.')[0],
          ]),
        ).toHaveLength(2),
      60_000,
    );
    for (const path of [`/ops/api/subscriptions/${dead.subscription_id}/history`, '/ops/api/audit?limit=500'])
      expect((await say('GET', path)).status).toBe(200);
    await say('GET', `/ops/api/subscriptions/as-of?at=${service.world.clock.now().toISOString()}`);
    expect((await say('POST', '/ops/api/projections/subscriptions/verify')).status).toBe(200);
  }

  const findIn = (text: string) => [...secrets].filter(([secret]) => text.includes(secret)).map(([, what]) => what);

  it('in what the service logs', () => {
    const { logLines } = service.world;
    expect(logLines.length).toBeGreaterThan(50);
    expect(logLines.filter((line) => findIn(line).length > 0)).toEqual([]);
  });

  it('in any answer, problem documents and headers included', () => {
    expect(answers.length).toBeGreaterThan(40);
    expect(answers.filter((answer) => findIn(answer).length > 0)).toEqual([]);
  });

  it('on the outgoing topic, and not in what we add to a dead letter', async () => {
    const { otherSide } = service.world;
    const outgoing = otherSide.seen.filter(({ topic }) => topic === 'medmij.subscriptions.v1');
    expect(outgoing.length).toBeGreaterThan(5);
    for (const record of outgoing) expect([record.offset, findIn(JSON.stringify(record))]).toEqual([record.offset, []]);
    for (const { headers } of otherSide.seen)
      for (const [name, value] of Object.entries(headers))
        if (name.startsWith('x-dead-letter')) expect([name, findIn(value)]).toEqual([name, []]);
  });

  it('in any table but that of the persons, and there only sealed', async () => {
    const tables = await rowsOf<{ name: string }>(
      service,
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const names = tables.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['event', 'command', 'delivery', 'person', 'subscription_view']));
    for (const name of names) {
      const rows = await rowsOf<{ row: string }>(service, `select t::text as row from "${name}" t`);
      expect([name, rows.flatMap(({ row }) => findIn(row))]).toEqual([name, []]);
    }
    // The third is erased.
    expect(await rowsOf(service, 'select 1 from person')).toHaveLength(2);
  });

  it('in the figures', async () => {
    const { text } = await service.send('GET', '/metrics', {});
    expect(text.length).toBeGreaterThan(1_000);
    expect(findIn(text)).toEqual([]);
  });

  it('in what the client was sent', () => {
    const { received } = service.world.dvp;
    expect(received.length).toBeGreaterThan(3);
    expect(received.filter((one) => findIn(JSON.stringify([one.path, one.headers, one.body])).length > 0)).toEqual([]);
  });

  it('unless it is there: the search itself finds a subject, its hash and a token', () => {
    const [subject] = subjects as [string];
    const hash = createHash('sha256').update(subject).digest('hex');
    for (const text of [`{"bsn":"${subject}"}`, `\\x${hash}`, [...secrets].find(([, what]) => what === 'a token')![0]])
      expect(findIn(text)).not.toEqual([]);
  });
});
