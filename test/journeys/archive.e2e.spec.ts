import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, ask, historyOf, isReady, itemOf, rowsOf, scopeOf, type Standing, typesOf } from './walk';

const dayMs = 86_400_000;
const patientMs = 60_000;

describe('what is over', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterAll(() => service.stop());

  const streamOf = (id: string) => id.split('.')[0];
  const count = async (table: string, id: string) =>
    (
      await rowsOf<{ n: number }>(service, `select count(*)::int as n from ${table} where stream_id = $1`, [
        streamOf(id),
      ])
    )[0]!.n;
  /** Events of a stream: in the log's own table, and in the archive. */
  const placeOf = async (id: string) => [await count('event', id), await count('archived_event', id)];
  const isArchived = (id: string, events: number) =>
    eventually(async () => expect(await placeOf(id)).toEqual([0, events]), patientMs);
  /** Started and ended by the person. */
  const ended = async (subject: string): Promise<Standing> => {
    await accepted(service, { subject });
    return accepted(service, { subject, scope: scopeOf(0) });
  };
  const operation = async (path: string) => service.post<Record<string, unknown>>(path, undefined, 'ops:write');
  /** Whether the view is as a fresh fold of the log, archive included, would make it. */
  const verified = async () => {
    const answer = await operation('/ops/api/projections/subscriptions/verify');
    expect(answer.status).toBe(200);
    return answer.body.differing;
  };

  /** A notification that waits for a client nobody has resumed. */
  const waitsForClient = (id: string, personId: string) =>
    rowsOf(
      service,
      `insert into delivery (delivery_id, subscription_id, sequence, client_id, service_id, interface_version, notification_type,
         correlation_id, state, due_at, created_at, deadline_at, person_id, endpoint_id, first_due_at)
       select gen_random_uuid(), $1, 9, 'localhost', '42', '3.0.0', 'subscription', 'c', 'parked', t, t, t, $2, 0, t
       from (select timestamptz '2026-01-01' as t) moment`,
      [id, personId],
    );

  const [person, returning, living] = [somePerson(), somePerson(), somePerson()];
  let over: Standing;
  let back: Standing;
  let alive: Standing;
  let first: ReturnType<typeof authorizedRequest>;
  let firstAnswer: Standing;

  it('stays where it is for a month, and what runs stays for as long as it runs', async () => {
    first = authorizedRequest({ subject: person }, service.world.clock.now());
    firstAnswer = (await service.post<Standing>('/authorizations', first)).body;
    over = await accepted(service, { subject: person, scope: scopeOf(0) });
    back = await ended(returning);
    alive = await accepted(service, { subject: living, scope: scopeOf(365) });
    service.world.clock.advance(29 * dayMs);
    const marker = await ended(somePerson());
    await itemOf(service, marker.subscription_id, marker.position);
    expect(await placeOf(over.subscription_id)).toEqual([2, 0]);
  });

  it('goes to the archive whole, and whoever asks sees what they saw before', async () => {
    const before = {
      item: await itemOf(service, over.subscription_id),
      history: await historyOf(service, over.subscription_id),
    };
    service.world.clock.advance(2 * dayMs);
    await isArchived(over.subscription_id, 2);
    await isArchived(back.subscription_id, 2);
    expect(await placeOf(alive.subscription_id)).toEqual([1, 0]);
    expect({
      item: await itemOf(service, over.subscription_id),
      history: await historyOf(service, over.subscription_id),
    }).toEqual(before);
    expect(await verified()).toEqual([]);
    // A repeat is answered as then, and an end of what has ended changes nothing.
    const repeated = await service.post<Standing>('/authorizations', first);
    expect([repeated.status, repeated.body]).toEqual([200, firstAnswer]);
    const orders = `/ops/api/subscriptions/${over.subscription_id}`;
    const refused = await service.post(`${orders}/terminate`, { reason_text: 'again', by: 'operator' }, 'ops:write');
    expect(refused).toMatchObject({ status: 422, body: { code: 'not_subscribed' } });
    const unknown = await service.get(`/ops/api/subscriptions?person_id=${String(before.item.person_id)}`);
    expect((unknown.body.items as object[]).length).toBe(1);
  }, 120_000);

  it('is part of a rebuild, which begins at the start of the log', async () => {
    const before = await itemOf(service, over.subscription_id);
    const [{ version }] = (await service.get<{ items: { version: number }[] }>('/ops/api/projections')).body.items as [
      { version: number },
    ];
    expect((await operation('/ops/api/projections/subscriptions/rebuild')).status).toBe(202);
    await eventually(async () => {
      const { items } = (await service.get<{ items: { version: number; rebuild: unknown }[] }>('/ops/api/projections'))
        .body;
      expect(items[0]).toMatchObject({ version: version + 1, rebuild: null });
    }, patientMs);
    expect(await itemOf(service, over.subscription_id)).toEqual(before);
    expect(await verified()).toEqual([]);
  }, 120_000);

  it('comes back whole when the person subscribes again, and goes on counting', async () => {
    const again = await accepted(service, { subject: returning });
    expect(again).toMatchObject({ subscription_id: `${streamOf(back.subscription_id)}.2`, version: 3 });
    expect(await placeOf(back.subscription_id)).toEqual([3, 0]);
    expect(again.position > back.position).toBe(true);
    expect(await itemOf(service, again.subscription_id, again.position)).toMatchObject({
      status: 'active',
      version: 3,
    });
    expect(typesOf(await historyOf(service, back.subscription_id))).toEqual(['started', 'terminated']);
    expect(typesOf(await historyOf(service, again.subscription_id))).toEqual(['started']);
    expect(await verified()).toEqual([]);
    // And goes again when that has ended, to the month of its later end.
    await accepted(service, { subject: returning, scope: scopeOf(0) });
    service.world.clock.advance(31 * dayMs);
    await isArchived(back.subscription_id, 4);
  }, 120_000);

  it('comes back for a request that changes nothing too, and goes again by itself', async () => {
    const nothing = await ask(service, { subject: person, scope: scopeOf(0) });
    expect([nothing.status, nothing.body.subscription_id]).toEqual([200, over.subscription_id]);
    expect(nothing.body.position).toBe(over.position);
    expect(await placeOf(over.subscription_id)).toEqual([2, 0]);
    await rowsOf(service, `update returned_stream set returned_at = returned_at - interval '1 day'`);
    await isArchived(over.subscription_id, 2);
    expect(await rowsOf(service, 'select 1 from returned_stream')).toEqual([]);
  }, 120_000);

  it('is destroyed with its month when that has been kept for 24, with a written record; what lives keeps its start', async () => {
    // Two years of a subscription that is lengthened each time.
    for (let year = 0; year < 3; year += 1) {
      await accepted(service, { subject: living, scope: scopeOf(365) }, 201);
      service.world.clock.advance(200 * dayMs);
    }
    const kept = await ended(somePerson());
    const months = await rowsOf<{ last: Date; months: number }>(
      service,
      `select max(stream_end) as last, count(distinct date_trunc('month', stream_end at time zone 'UTC'))::int as months
       from archived_event`,
    );
    const { last } = months[0]!;
    // The moment at which even the latest of these months has been kept for 24: one second before, something is left.
    const gone = new Date(Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + 25));
    await accepted(service, { subject: living, scope: scopeOf(365) }, 201);
    const personOf = async ({ subscription_id: id }: Standing) => String((await itemOf(service, id)).person_id);
    const persons = { gone: [await personOf(over), await personOf(back)], stay: [await personOf(alive)] };
    persons.stay.push(await personOf(kept));
    await waitsForClient(back.subscription_id, persons.gone[1]!);
    service.world.clock.set(new Date(gone.getTime() - 60 * 60 * 1000));
    await eventually(async () => expect(await placeOf(kept.subscription_id)).toEqual([0, 2]), patientMs);
    const ends = await rowsOf<{ stream_end: Date }>(service, 'select stream_end from archived_event');
    const hourBefore = service.world.clock.now();
    for (const { stream_end: end } of ends)
      expect(end.getTime()).toBeGreaterThan(hourBefore.getTime() - 26 * 31 * dayMs);
    service.world.clock.set(gone);
    await eventually(
      async () => expect((await service.get(`/ops/api/subscriptions/${back.subscription_id}`)).status).toBe(404),
      patientMs,
    );
    for (const { subscription_id: id } of [over, back]) {
      expect((await service.get(`/ops/api/subscriptions/${id}/history`)).status).toBe(404);
      expect([...(await placeOf(id)), await count('stream', id)]).toEqual([0, 0, 0]);
      for (const table of ['notified_subscription', 'delivery'])
        expect(await rowsOf(service, `select 1 from ${table} where subscription_id = $1`, [id])).toEqual([]);
    }
    // Of two persons nothing is left, so nobody can say any more who they were.
    const known = async () =>
      (await rowsOf<{ person_id: string }>(service, 'select person_id from person')).map(({ person_id: id }) => id);
    await eventually(async () => {
      for (const id of persons.gone) expect(await known()).not.toContain(id);
    }, patientMs);
    expect(await known()).toEqual(expect.arrayContaining(persons.stay));
    expect(await rowsOf(service, 'select 1 from left_person')).toEqual([]);
    await eventually(async () => {
      const records = await rowsOf<{ what: string; from: Date; to: Date; rows: string; at: Date }>(
        service,
        `select what, from_moment as from, to_moment as to, row_count as rows, destroyed_at as at
         from destruction_record where what = 'archived_event' order by from_moment`,
      );
      expect(records.reduce((sum, { rows }) => sum + Number(rows), 0)).toBeGreaterThanOrEqual(6);
      for (const { to, at } of records) {
        const monthsAfter = (at.getTime() - to.getTime()) / (30.44 * dayMs);
        expect(monthsAfter).toBeGreaterThan(23.9);
      }
    }, patientMs);
    expect(typesOf(await historyOf(service, alive.subscription_id))[0]).toBe('started');
    expect(await itemOf(service, alive.subscription_id)).toMatchObject({ started_at: expect.any(String) });
    expect(await itemOf(service, kept.subscription_id)).toMatchObject({ status: 'terminated' });
    expect(await verified()).toEqual([]);
  }, 240_000);

  it('goes from the audit trail and from the log of attempts too, by the month in which it was written', async () => {
    const monthsOf = async (table: string) =>
      (
        await rowsOf<{ month: string }>(
          service,
          `select distinct to_char(written_at at time zone 'UTC', 'YYYY-MM') as month from ${table} order by 1`,
        )
      ).map(({ month }) => month);
    // By the service's clock and by the database's.
    const written = { audit_line: await monthsOf('audit_line'), delivery_attempt: await monthsOf('delivery_attempt') };
    const [oldest] = written.audit_line as [string];
    for (const months of Object.values(written)) expect(months.length).toBeGreaterThan(0);
    const plannedBefore = async (month: string) =>
      (
        await rowsOf<{ n: number }>(
          service,
          `select count(*)::int as n from delivery_ledger where to_char(hour at time zone 'UTC', 'YYYY-MM') < $1`,
          [month],
        )
      )[0]!.n;
    expect(await plannedBefore(`${oldest}-31`)).toBeGreaterThan(0);
    // Its keepers look around as they start.
    await service.restart();
    const until = service.world.clock.now();
    const keptFrom = new Date(Date.UTC(until.getUTCFullYear(), until.getUTCMonth() - 24)).toISOString().slice(0, 7);
    expect(oldest < keptFrom).toBe(true);
    for (const [table, months] of Object.entries(written)) {
      const left = months.filter((month) => month >= keptFrom);
      expect([table, (await monthsOf(table)).filter((month) => month < keptFrom)]).toEqual([table, []]);
      expect([table, await monthsOf(table)]).toEqual([table, expect.arrayContaining(left)]);
      const records = await rowsOf<{ month: string; rows: string }>(
        service,
        `select to_char(from_moment at time zone 'UTC', 'YYYY-MM') as month, row_count::text as rows
         from destruction_record where what = $1`,
        [table],
      );
      for (const month of months.filter((one) => one < keptFrom))
        expect([
          table,
          month,
          records.filter((record) => record.month === month && record.rows !== '0').length,
        ]).toEqual([table, month, 1]);
    }
    // What was planned is known as long as what came of it.
    await eventually(async () => expect(await plannedBefore(keptFrom)).toBe(0), patientMs);
    expect(await plannedBefore('9999-12')).toBeGreaterThan(0);
    expect(typesOf(await historyOf(service, alive.subscription_id))[0]).toBe('started');
  }, 120_000);
});
