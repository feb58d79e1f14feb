import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  accepted,
  amsterdamDate,
  amsterdamMidnight,
  deliveriesOf,
  historyOf,
  itemOf,
  type Page,
  scopeOf,
  type Standing,
  typesOf,
} from './walk';

const hour = 3_600_000;
const lengthOf = (date: string) =>
  amsterdamMidnight(amsterdamDate(amsterdamMidnight(date), 1)).getTime() - amsterdamMidnight(date).getTime();

/** The next two days that have 23 and 25 hours in Amsterdam, in their order; a year has one of each. */
function daysOfOtherLength(): string[] {
  return Array.from({ length: 370 }, (_, n) => amsterdamDate(new Date(), n + 3))
    .filter((date) => lengthOf(date) !== 24 * hour)
    .slice(0, 2);
}

describe('a subscription that reaches its end date', () => {
  let service: TestService;
  const withoutScheduler = 'api,relay,projector,delivery';
  const everybody = 'api,relay,projector,delivery,scheduler';
  beforeAll(async () => {
    service = await TestService.start();
    // The clock only goes forward here: at first to noon, far from any day border.
    service.world.clock.set(new Date(amsterdamMidnight(amsterdamDate(new Date(), 1)).getTime() + 12 * hour));
  });
  afterAll(() => service.stop());

  const readsAs = async ({ subscription_id: id, position }: Standing) => (await itemOf(service, id, position)).status;
  const listedAs = async (status: string, personId: unknown) => {
    const page = await service.get<Page<{ subscription_id: string }>>(
      `/ops/api/subscriptions?status=${status}&person_id=${String(personId)}`,
    );
    return page.body.items.map(({ subscription_id }) => subscription_id);
  };

  it('expires by itself at midnight in Amsterdam, is shown and published as expired, and the client is told', async () => {
    const { clock, dvp, otherSide } = service.world;
    const started = await accepted(service, { scope: scopeOf(2) });
    const id = started.subscription_id;
    await eventually(() => expect(dvp.of(id)).toHaveLength(1));
    const midnight = amsterdamMidnight(started.end_date);

    clock.set(new Date(midnight.getTime() - 30_000));
    expect(await readsAs(started)).toBe('active');
    clock.set(midnight);
    await eventually(async () => expect(await itemOf(service, id)).toMatchObject({ version: 2 }));

    expect(await itemOf(service, id)).toMatchObject({
      status: 'expired',
      end_reason: 'expired',
      end_date: started.end_date,
      version: 2,
    });
    const history = await historyOf(service, id);
    expect(typesOf(history)).toEqual(['started', 'expired']);
    expect(history[1]!.data).toMatchObject({ reason: 'expired', end_date: started.end_date });
    expect(new Date(history[1]!.occurred_at).getTime()).toBeGreaterThanOrEqual(midnight.getTime());
    await eventually(() =>
      expect(dvp.of(id).map(({ body }) => body.end_date)).toEqual([started.end_date, started.end_date]),
    );
    await otherSide.follow('medmij.subscriptions.v1');
    await eventually(() =>
      expect(
        otherSide.seen.filter(({ headers }) => headers.ce_subject === id).map(({ headers }) => headers.ce_type),
      ).toEqual(['nl.medmij.subscription.started.v1', 'nl.medmij.subscription.expired.v1']),
    );
  });

  it('starts anew after that, and the ended one stays as it was', async () => {
    const { clock } = service.world;
    const subject = somePerson();
    const first = await accepted(service, { subject, scope: scopeOf(1) });
    clock.set(amsterdamMidnight(first.end_date));
    await eventually(async () => expect(await itemOf(service, first.subscription_id)).toMatchObject({ version: 2 }));
    const second = await accepted(service, { subject, scope: scopeOf(1) });
    expect(second).toMatchObject({
      subscription_id: first.subscription_id.replace(/1$/, '2'),
      version: 3,
      end_date: amsterdamDate(clock.now(), 1),
    });
    expect(typesOf(await historyOf(service, first.subscription_id, second.position))).toEqual(['started', 'expired']);
  });

  describe('while the scheduler has not noticed', () => {
    beforeAll(() => service.restart({ ROLES: withoutScheduler }));
    afterAll(() => service.restart({ ROLES: everybody }));

    it('reads as expired by its date', async () => {
      const { clock } = service.world;
      const standing = await accepted(service, { scope: scopeOf(1) });
      const { subscription_id: id, end_date } = standing;
      const { person_id } = await itemOf(service, id, standing.position);
      clock.set(new Date(amsterdamMidnight(end_date).getTime() - 20_000));
      expect(await readsAs(standing)).toBe('active');
      expect(await listedAs('active', person_id)).toEqual([id]);
      clock.set(amsterdamMidnight(end_date));
      expect(await itemOf(service, id)).toMatchObject({ status: 'expired', end_reason: 'expired', version: 1 });
      expect(await listedAs('expired', person_id)).toEqual([id]);
      expect(await listedAs('active', person_id)).toEqual([]);
      expect(typesOf(await historyOf(service, id))).toEqual(['started']);
    });

    it('is first recorded as expired by a new request, which then starts the next one', async () => {
      const { clock, dvp } = service.world;
      const subject = somePerson();
      const first = await accepted(service, { subject, scope: scopeOf(1) });
      clock.set(amsterdamMidnight(first.end_date));
      const second = await accepted(service, { subject, scope: scopeOf(5) });
      expect(second).toMatchObject({
        subscription_id: first.subscription_id.replace(/1$/, '2'),
        status: 'active',
        version: 3,
      });
      const history = await historyOf(service, first.subscription_id, second.position);
      expect(history.map(({ version }) => version)).toEqual([1, 2]);
      expect(typesOf(history)).toEqual(['started', 'expired']);
      expect(await itemOf(service, first.subscription_id)).toMatchObject({ status: 'expired', end_reason: 'expired' });
      await eventually(() => {
        expect(dvp.of(first.subscription_id).map(({ body }) => body.end_date)).toEqual([
          first.end_date,
          first.end_date,
        ]);
        expect(dvp.of(second.subscription_id).map(({ body }) => body.end_date)).toEqual([second.end_date]);
      });
    });

    it('stays expired when the person asks to end it', async () => {
      const { clock } = service.world;
      const subject = somePerson();
      const first = await accepted(service, { subject, scope: scopeOf(1) });
      clock.set(amsterdamMidnight(first.end_date));
      const ended = await accepted(service, { subject, scope: scopeOf(0) });
      expect(ended).toMatchObject({ status: 'expired', end_date: first.end_date, version: 2 });
      expect(typesOf(await historyOf(service, first.subscription_id, ended.position))).toEqual(['started', 'expired']);
      expect(await accepted(service, { subject, scope: scopeOf(0) }, 200)).toEqual(ended);
    });

    it('is ended once the scheduler is back, with all that ended meanwhile', async () => {
      const { clock } = service.world;
      const started = await Promise.all([1, 1, 2].map((days) => accepted(service, { scope: scopeOf(days) })));
      clock.set(amsterdamMidnight(amsterdamDate(clock.now(), 1)));
      await service.restart({ ROLES: everybody });
      await eventually(async () => {
        const items = await Promise.all(started.map(({ subscription_id: id }) => itemOf(service, id)));
        expect(items.map(({ status, version }) => [status, version])).toEqual([
          ['expired', 2],
          ['expired', 2],
          ['active', 1],
        ]);
      });
      await service.restart({ ROLES: withoutScheduler });
    });
  });

  it.each(daysOfOtherLength().map((date) => [date, lengthOf(date) / hour] as const))(
    'counts %s, a day of %i hours, as one day',
    async (date) => {
      const { clock } = service.world;
      // A day before, so that one subscription ends at the beginning of that day and one at its end.
      clock.set(new Date(amsterdamMidnight(date).getTime() - 12 * hour));
      const before = await accepted(service, { scope: scopeOf(1) });
      const over = await accepted(service, { scope: scopeOf(2) });
      const dayAfter = amsterdamDate(amsterdamMidnight(date), 1);
      expect([before.end_date, over.end_date]).toEqual([date, dayAfter]);

      clock.set(new Date(amsterdamMidnight(date).getTime() - 20_000));
      expect(await readsAs(before)).toBe('active');
      clock.set(amsterdamMidnight(date));
      await eventually(async () => {
        expect(await itemOf(service, before.subscription_id)).toMatchObject({ status: 'expired', version: 2 });
      });
      clock.set(new Date(amsterdamMidnight(dayAfter).getTime() - 20_000));
      expect(await itemOf(service, over.subscription_id)).toMatchObject({ status: 'active', version: 1 });
      clock.set(amsterdamMidnight(dayAfter));
      await eventually(async () => {
        expect(await itemOf(service, over.subscription_id)).toMatchObject({ status: 'expired', version: 2 });
      });
      await eventually(async () =>
        expect((await deliveriesOf(service, over.subscription_id)).length).toBeGreaterThan(0),
      );
    },
  );
});
