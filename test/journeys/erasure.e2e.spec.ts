import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { AuthorizedOrder } from '../../src/subscriptions';
import { call, codeFor, consentTo, exchange, tokenFor } from '../authorization/grant-walk';
import { StepwiseVisitor } from '../authorization/stepwise-visitor';
import { ownAddress, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { Visitor } from '../support/visitor';
import {
  accepted,
  amsterdamDate,
  deliveriesOf,
  historyOf,
  isReady,
  itemOf,
  type Problem,
  rowsOf,
  scopeOf,
  suspend,
  typesOf,
} from './walk';

interface Erased {
  person_id: string;
  ended: number;
}

/** How long whoever began an erasure is left alone before somebody else goes on with it. */
const leftAloneMs = 61_000;

describe('a person who is erased', () => {
  let service: TestService;
  let url: string;
  beforeAll(async () => {
    const address = await ownAddress();
    url = address.PUBLIC_URL;
    service = await TestService.start(address);
    await isReady(service);
    await service.world.otherSide.follow('medmij.subscriptions.v1');
  });
  afterAll(() => service.stop());

  const erase = (body: object, scope: 'ops:write' | 'ops:read' = 'ops:write') =>
    service.post<Erased & Problem>('/ops/api/persons/erase', body, scope);
  const erased = async (body: object): Promise<Erased> => {
    const answer = await erase(body);
    expect([answer.status, answer.body.code]).toEqual([200, undefined]);
    return answer.body;
  };
  /** A subscription that the view shows. */
  const subscribed = async (subject: string, scope = scopeOf(180)) => {
    const { subscription_id: id, position } = await accepted(service, { subject, scope });
    const { person_id: personId } = await itemOf(service, id, position);
    return { id, personId: String(personId) };
  };
  const isKnown = async (personId: string) =>
    (await rowsOf(service, 'select 1 from person where person_id = $1', [personId])).length > 0;
  const linesOf = (message: string, personId: string) =>
    service.world.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message)
      .filter((line) => (line.details as { person_id?: string } | undefined)?.person_id === personId);

  /** A subscription begins for a person whose identity is gone, and ends by itself. */
  const isEndedLate = async (personId: string) => {
    const now = service.world.clock.now();
    const late = new AuthorizedOrder(
      {
        subjectHash: Buffer.from(randomUUID()),
        newRow: () => ({
          subjectHash: Buffer.from(`late ${personId}`),
          personId,
          sealedSubject: Buffer.alloc(32),
          keyId: 'none',
        }),
      },
      {
        clientId: 'localhost',
        provider: 'anderezorgaanbieder',
        serviceId: '43',
        interfaceVersion: '3.0.0',
        grantedDays: 30,
      },
      { authorizationId: randomUUID(), authorizedAt: now },
      { key: randomUUID(), fingerprint: Buffer.alloc(32) },
      { correlation_id: 'c', causation_id: 'c' },
      now,
    );
    const { standing } = await service.world.app.get(CommandBus).execute(late);
    await rowsOf(service, 'delete from person where person_id = $1', [personId]);
    await eventually(
      async () =>
        expect(await itemOf(service, standing.subscription_id)).toMatchObject({
          status: 'terminated',
          end_reason: 'erased',
        }),
      60_000,
    );
  };

  it('has no subscription any more, the suspended one included; the client hears of each end, and the history stays', async () => {
    const subject = somePerson();
    const active = await subscribed(subject);
    const suspended = await subscribed(subject, scopeOf(30, 'anderezorgaanbieder', '43'));
    await suspend(service, suspended.id, 'provider');
    const ended = await subscribed(subject, scopeOf(7, 'aanbiederkort'));
    await accepted(service, { subject, scope: scopeOf(0, 'aanbiederkort') });
    const bystander = await subscribed(somePerson());

    const answer = await erased({ subject, reason_text: 'asked for it' });
    expect(answer).toEqual({ person_id: active.personId, ended: 2 });

    const today = amsterdamDate(service.world.clock.now());
    for (const { id } of [active, suspended]) {
      await eventually(async () =>
        expect(await itemOf(service, id)).toMatchObject({
          status: 'terminated',
          end_reason: 'erased',
          end_date: today,
          suspended_by: null,
          person_id: active.personId,
        }),
      );
      await eventually(() =>
        expect(service.world.dvp.of(id).at(-1)?.body).toEqual({
          subscription_id: id,
          notification_type: 'subscription',
          end_date: today,
        }),
      );
    }
    expect(await itemOf(service, ended.id)).toMatchObject({ status: 'terminated', end_reason: 'person' });
    const history = await historyOf(service, suspended.id);
    expect(typesOf(history)).toEqual(['started', 'suspended', 'terminated']);
    expect(history.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(await itemOf(service, bystander.id)).toMatchObject({ status: 'active' });
    expect([await isKnown(active.personId), await isKnown(bystander.personId)]).toEqual([false, true]);
    await eventually(() => {
      const outgoing = service.world.otherSide.seen.filter(({ value }) => String(value).includes(active.personId));
      expect(outgoing).toHaveLength(7);
      expect(JSON.stringify(outgoing)).not.toContain(subject);
    });
  });

  it('leaves nothing that leads back: codes, tokens, sessions and open interactions are over', async () => {
    const [subject, other] = [somePerson(), somePerson()];
    const { personId } = await subscribed(subject);
    const [token, othersToken] = [
      await tokenFor(service, { person: { subject } }),
      await tokenFor(service, { person: { subject: other } }),
    ];
    const consent = consentTo(service, { person: { subject } });
    const code = await codeFor(service, consent);
    const [visitor, othersVisitor] = [new Visitor(), new Visitor()];
    const own = `${url}/my/subscriptions`;
    for (const [who, person] of [
      [visitor, subject],
      [othersVisitor, other],
    ] as const) {
      service.world.issuer.behaviour = { subject: person };
      await who.get(`${url}/my/sign-in?to=/my/subscriptions`);
      expect((await who.get(own)).text).not.toContain('Log in om verder te gaan');
    }
    const [asked, othersAsked] = [randomUUID(), randomUUID()];
    for (const [correlation, person] of [
      [asked, subject],
      [othersAsked, other],
    ] as const) {
      await new StepwiseVisitor(service, service.world.issuer).arriveAs(person, { 'X-Correlation-ID': correlation });
    }
    const shownTo = async (correlation: string) =>
      (
        await rowsOf<{ known: boolean }>(
          service,
          'select shown_to is not null as known from interaction where correlation_id = $1',
          [correlation],
        )
      )[0]!.known;
    expect([await shownTo(asked), await shownTo(othersAsked)]).toEqual([true, true]);

    await erased({ person_id: personId });

    expect((await call(service, 'POST', '/Subscription', token, {})).status).toBe(401);
    expect((await call(service, 'POST', '/Subscription', othersToken, {})).status).toBe(201);
    expect((await exchange(service, consent, code)).body.error).toBe('invalid_grant');
    expect((await visitor.get(own)).text).toContain('Log in om verder te gaan');
    expect((await othersVisitor.get(own)).text).not.toContain('Log in om verder te gaan');
    expect([await shownTo(asked), await shownTo(othersAsked)]).toEqual([false, true]);
  });

  it('gets no resource notification any more, not even one that was waiting', async () => {
    const subject = somePerson();
    const { id, personId } = await subscribed(subject);
    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    const change = () => ({
      change_id: randomUUID(),
      subject,
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      available_at: service.world.clock.now().toISOString(),
    });
    const tell = async () =>
      (await service.post<{ notifications: number }>('/resource-changes', change(), 'resource-changes:write')).body;
    service.world.dvp.answerWith(503);
    expect(await tell()).toEqual({ notifications: 1 });
    const resources = async () =>
      (await deliveriesOf(service, id)).filter(({ notification_type: type }) => type === 'resource');
    await eventually(async () => expect(await resources()).toMatchObject([{ state: 'pending', attempts: 1 }]));

    await erased({ subject });
    service.world.dvp.answer();
    await eventually(async () => expect(await resources()).toMatchObject([{ state: 'dropped' }]));
    expect(await tell()).toEqual({ notifications: 0 });
    expect(await isKnown(personId)).toBe(false);
  });

  it('may come back, as somebody nobody knew before', async () => {
    const subject = somePerson();
    const before = await subscribed(subject);
    await erased({ subject, issuer: 'urn:oid:2.16.840.1.113883.2.4.6.3' });
    const after = await subscribed(subject);
    expect(after.personId).not.toBe(before.personId);
    expect(await itemOf(service, after.id)).toMatchObject({ status: 'active', version: 1 });
    expect(await itemOf(service, before.id)).toMatchObject({ status: 'terminated' });
  });

  it('is said so in the audit, without who it was', async () => {
    const subject = somePerson();
    const { personId } = await subscribed(subject);
    await erased({ subject, reason_text: 'letter of today' });
    expect(linesOf('ops.audit', personId)).toMatchObject([
      { what: 'persons.erase', who: expect.any(String), outcome: 'done', details: { ended: 1 } },
    ]);
    const log = service.world.logLines.join('\n');
    expect([log.includes(subject), log.includes('letter of today')]).toEqual([false, false]);
  });

  it('is not found when nobody is known by that id or subject, or not any more', async () => {
    const subject = somePerson();
    const { personId } = await subscribed(subject);
    await erased({ subject });
    for (const body of [{ person_id: randomUUID() }, { subject: somePerson() }, { person_id: personId }, { subject }])
      expect(await erase(body)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const { id } = await subscribed(subject);
    expect(await erase({ subject, issuer: 'urn:elsewhere' })).toMatchObject({ status: 404 });
    expect(await itemOf(service, id)).toMatchObject({ status: 'active' });
  });

  it.each([
    ['neither an id nor a subject', {}],
    ['both', { person_id: randomUUID(), subject: 'somebody' }],
    ['an issuer without a subject', { person_id: randomUUID(), issuer: 'urn:elsewhere' }],
    ['no id', { person_id: 'somebody' }],
    ['a reason that names the person', { subject: 'somebody', reason_text: 'a letter of somebody' }],
    ['what nobody asked for', { person_id: randomUUID(), why: 'so' }],
  ])('is somebody else when the request holds %s', async (_what, body) => {
    expect(await erase(body)).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  });

  it('is erased by nobody who may only read', async () => {
    const subject = somePerson();
    const { personId } = await subscribed(subject);
    expect((await erase({ subject }, 'ops:read')).status).toBe(403);
    expect(await isKnown(personId)).toBe(true);
  });

  describe('when it stops half-way', () => {
    it('goes on by itself: after the order', async () => {
      const { id, personId } = await subscribed(somePerson());
      await rowsOf(
        service,
        `insert into erasure (person_id, ordered_at, correlation_id, causation_id) values ($1, $2, 'c', 'c')`,
        [personId, service.world.clock.now()],
      );
      service.world.clock.advance(leftAloneMs);
      await eventually(async () => expect(await isKnown(personId)).toBe(false), 60_000);
      expect(await itemOf(service, id)).toMatchObject({ status: 'terminated', end_reason: 'erased' });
      await eventually(async () => {
        const told = await rowsOf(
          service,
          `select who, outcome, request_id, details -> 'ended' as ended from audit_line
           where what = 'persons.erase' and details ->> 'person_id' = $1`,
          [personId],
        );
        expect(told).toEqual([{ who: 'system', outcome: 'done', request_id: 'c', ended: 1 }]);
      });
    });

    it('goes on by itself: before the identity is gone, with others that are not held up', async () => {
      const [stuck, other] = [await subscribed(somePerson()), await subscribed(somePerson())];
      await rowsOf(
        service,
        `create function hold() returns trigger language plpgsql as
           $$ begin if old.person_id = '${stuck.personId}' then raise 'held'; end if; return old; end $$`,
      );
      await rowsOf(service, 'create trigger hold before delete on person for each row execute function hold()');
      expect((await erase({ person_id: stuck.personId })).status).toBe(500);
      await eventually(async () => expect(await itemOf(service, stuck.id)).toMatchObject({ end_reason: 'erased' }));
      expect(linesOf('ops.audit', stuck.personId)).toMatchObject([{ outcome: 'internal_error' }]);
      await rowsOf(
        service,
        `insert into erasure (person_id, ordered_at, correlation_id, causation_id) values ($1, $2, 'c', 'c')`,
        [other.personId, service.world.clock.now()],
      );
      service.world.clock.advance(leftAloneMs);
      await eventually(async () => expect(await isKnown(other.personId)).toBe(false), 60_000);
      expect(await isKnown(stuck.personId)).toBe(true);
      await isEndedLate(other.personId);
      await rowsOf(service, 'drop trigger hold on person');
      await eventually(async () => expect(await isKnown(stuck.personId)).toBe(false), 60_000);
      // The client heard of the end once.
      await eventually(() => expect(service.world.dvp.of(stuck.id)).toHaveLength(2));
      expect(typesOf(await historyOf(service, stuck.id))).toEqual(['started', 'terminated']);
    }, 150_000);
  });

  it('has no subscription either that was on its way when the identity went', async () => {
    const { personId } = await subscribed(somePerson());
    await erased({ person_id: personId });
    await isEndedLate(personId);
  });

  it('has no subscription either that the view does not show because its stream is parked', async () => {
    const { id, personId } = await subscribed(somePerson());
    await rowsOf(
      service,
      `with unseen as (delete from subscription_view where subscription_id = $1)
       insert into parked_stream (log, reader, stream_id, version, position, error)
       values ('main', 'projection:subscriptions:0', $2, 1, '', 'poison')`,
      [id, id.split('.')[0]],
    );
    expect(await erased({ person_id: personId })).toEqual({ person_id: personId, ended: 1 });
    await rowsOf(service, 'delete from parked_stream');
    expect(typesOf(await historyOf(service, id))).toEqual(['started', 'terminated']);
  });

  it('is erased also when no key opens any more who it was', async () => {
    const { id, personId } = await subscribed(somePerson());
    await rowsOf(service, `update person set key_id = 'a key that was lost' where person_id = $1`, [personId]);
    expect(await erased({ person_id: personId })).toEqual({ person_id: personId, ended: 1 });
    expect(await isKnown(personId)).toBe(false);
    await eventually(async () => expect(await itemOf(service, id)).toMatchObject({ end_reason: 'erased' }));
  });
});
