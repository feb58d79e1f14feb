import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthorizedRequestBody, authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, historyOf, isReady, type Problem, recorded, rowsOf, scopeOf, type Standing, typesOf } from './walk';

describe('an authorization_id that comes again', () => {
  let service: TestService;
  let lists: string;
  beforeAll(async () => {
    lists = await mkdtemp(join(tmpdir(), 'medmij-lists-'));
    await cp(resolve(__dirname, '../../dev/sample-lists'), lists, { recursive: true });
    service = await TestService.start({
      CLIENT_LIST_URL: pathToFileURL(join(lists, 'oauthclientlist.xml')).href,
    });
    await isReady(service);
    await service.world.otherSide.follow('medmij.dead-letters.v1', 'medmij.subscriptions.v1');
  });
  afterAll(async () => {
    await service.stop();
    await rm(lists, { recursive: true });
  });

  const hand = (request: object) => service.post<Standing & Problem>('/authorizations', request);
  const sendToKafka = (request: AuthorizedRequestBody, id: string) =>
    service.world.otherSide.send('medmij.authorizations.v1', {
      key: 'any',
      value: JSON.stringify(request),
      headers: {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: 'urn:as',
        ce_type: 'nl.medmij.authorization.granted.v1',
        'content-type': 'application/json',
      },
    });
  const deadLetterOf = (id: string) => service.world.otherSide.seen.find(({ headers }) => headers.ce_id === id);

  it('with the same content is answered as the first time', async () => {
    const request = authorizedRequest();
    const first = await hand(request);
    const before = await recorded(service);
    const second = await hand(request);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.text).toBe(first.text);
    expect(await recorded(service)).toEqual(before);
  });

  it('is answered as the first time also after the subscription has moved on', async () => {
    const request = authorizedRequest();
    const first = await hand(request);
    const { subject } = request;
    await accepted(service, { subject, scope: scopeOf(20) });
    const ended = await accepted(service, { subject, scope: scopeOf(0) });
    const again = await hand(request);
    expect([again.status, again.body]).toEqual([200, first.body]);
    const history = await historyOf(service, ended.subscription_id, ended.position);
    expect(typesOf(history)).toEqual(['started', 'adjusted', 'terminated']);
  });

  it('is remembered as well when it changed nothing', async () => {
    const { subject } = authorizedRequest();
    await accepted(service, { subject });
    const same = authorizedRequest({ subject });
    const first = await hand(same);
    await accepted(service, { subject, scope: scopeOf(20) });
    const again = await hand(same);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
    expect((await hand({ ...same, scope: scopeOf(10) })).body.code).toBe('authorization_conflict');
  });

  it.each<[string, Partial<AuthorizedRequestBody>]>([
    ['another scope', { scope: scopeOf(10) }],
    ['another person', { subject: somePerson() }],
    ['another namespace', { issuer: 'https://other.example' }],
    ['other granted days', { granted_days: 90 }],
    ['another interface version', { interface_version: '3.0.1' }],
    ['another moment', { authorized_at: '2026-01-01T00:00:00Z' }],
    ['another client', { client_id: 'not-whitelisted.example' }],
    ['a client that is not listed', { client_id: 'unknown-client.example' }],
    ['a moment in the far future', { authorized_at: '2099-01-01T00:00:00Z' }],
  ])('with %s is a conflict and records nothing', async (_, other) => {
    const request = authorizedRequest();
    await hand(request);
    const before = await recorded(service);
    const conflict = await hand({ ...request, ...other });
    expect([conflict.status, conflict.body.code]).toEqual([409, 'authorization_conflict']);
    expect(await recorded(service)).toEqual(before);
    expect((await hand(request)).status).toBe(200);
  });

  it('after a refusal is judged anew, for refusals are not kept', async () => {
    const request = authorizedRequest({ scope: scopeOf(0) });
    expect((await hand(request)).body.code).toBe('not_subscribed');
    expect((await hand({ ...request, scope: scopeOf(366) })).body.code).toBe('duration_above_maximum');
    expect((await hand({ ...request, scope: scopeOf(30) })).status).toBe(201);
  });

  it('20 times at once makes one event, and every answer is the same', async () => {
    const request = authorizedRequest();
    const answers = await Promise.all(Array.from({ length: 20 }, () => hand(request)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const { subscription_id: id, position } = answers[0]!.body;
    expect(await historyOf(service, id, position)).toHaveLength(1);
  });

  it('at once with 20 different contents is one request; the others are conflicts and make nobody known', async () => {
    const request = authorizedRequest();
    const before = await recorded(service);
    const answers = await Promise.all(Array.from({ length: 20 }, () => hand({ ...request, subject: somePerson() })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'authorization_conflict')).toHaveLength(19);
    expect(await recorded(service)).toEqual({
      event: before.event + 1,
      person: before.person + 1,
      command: before.command + 1,
    });
  });

  it('through the other door is the same request', async () => {
    const overHttp = authorizedRequest();
    const { body } = await hand(overHttp);
    const before = await recorded(service);
    await sendToKafka(overHttp, 'repeat-of-http');
    await sendToKafka({ ...overHttp, scope: scopeOf(10) }, 'conflict-with-http');
    await eventually(() => expect(deadLetterOf('conflict-with-http')).toBeDefined());
    expect(deadLetterOf('conflict-with-http')!.headers['x-dead-letter-reason']).toBe('authorization_conflict');
    expect(deadLetterOf('repeat-of-http')).toBeUndefined();
    expect(await recorded(service)).toEqual(before);
    expect(await historyOf(service, body.subscription_id, body.position)).toHaveLength(1);

    const overKafka = authorizedRequest();
    await sendToKafka(overKafka, 'first-over-kafka');
    await eventually(async () => expect((await recorded(service)).event).toBe(before.event + 1));
    const repeated = await hand(overKafka);
    expect([repeated.status, repeated.body.version]).toEqual([200, 1]);
    expect((await hand({ ...overKafka, scope: scopeOf(10) })).body.code).toBe('authorization_conflict');
    expect((await recorded(service)).event).toBe(before.event + 1);
  });

  it('is still known after a restart', async () => {
    const request = authorizedRequest();
    const first = await hand(request);
    await service.restart();
    const again = await hand(request);
    expect([again.status, again.text]).toEqual([200, first.text]);
  });

  it('is kept without its content: only a keyed fingerprint covers the subject', async () => {
    const request = authorizedRequest();
    await hand(request);
    const rows = await rowsOf<{ row: string }>(service, 'select command::text as row from command');
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain(request.subject);
  });

  it('is answered as the first time though the lists would refuse it now', async () => {
    const request = authorizedRequest();
    const first = await hand(request);
    const file = join(lists, 'oauthclientlist.xml');
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text.replace('<Hostname>localhost<', '<Hostname>gone.example<').replace('>1</Volgnummer>', '>2</Volgnummer>'),
    );
    await eventually(async () => expect((await hand(authorizedRequest())).body.code).toBe('unknown_client'));
    const again = await hand(request);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect((await hand({ ...request, scope: scopeOf(10) })).body.code).toBe('authorization_conflict');
  });
});
