import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, amsterdamDate, ask, historyOf, itemOf, recorded, scopeOf, typesOf } from './walk';

describe('an authorized request while a subscription is active', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  it.each([
    ['shortens', 10],
    ['lengthens', 365],
  ])('%s it under the same id', async (_, days) => {
    const subject = somePerson();
    const started = await accepted(service, { subject });
    const { position, ...adjusted } = await accepted(service, {
      subject,
      scope: scopeOf(days),
      authorization_id: `adjust-${days}-${subject}`,
    });
    const endDate = amsterdamDate(new Date(), days);
    expect(adjusted).toEqual({
      subscription_id: started.subscription_id,
      status: 'active',
      end_date: endDate,
      version: 2,
    });
    expect(position > started.position).toBe(true);

    const history = await historyOf(service, started.subscription_id, position);
    expect(typesOf(history)).toEqual(['started', 'adjusted']);
    expect(history[1]!.position).toBe(position);
    expect(history[1]!.data).toMatchObject({
      previous_end_date: started.end_date,
      end_date: endDate,
      authorization_id: `adjust-${days}-${subject}`,
      authorized_at: expect.stringMatching(/Z$/),
    });
    expect(await itemOf(service, started.subscription_id)).toMatchObject({
      status: 'active',
      end_date: endDate,
      version: 2,
      started_at: history[0]!.occurred_at,
      updated_at: history[1]!.occurred_at,
    });
    await eventually(() =>
      expect(service.world.dvp.of(started.subscription_id).map(({ body }) => body.end_date)).toEqual([
        started.end_date,
        endDate,
      ]),
    );
  });

  it('with the same end date changes nothing, records nothing and tells nobody', async () => {
    const subject = somePerson();
    const started = await accepted(service, { subject });
    await eventually(() => expect(service.world.dvp.of(started.subscription_id)).toHaveLength(1));
    const before = await recorded(service);
    expect(await accepted(service, { subject }, 200)).toEqual(started);
    expect(await accepted(service, { subject, scope: scopeOf(365), granted_days: 180 }, 200)).toEqual(started);
    expect(await recorded(service)).toMatchObject({ event: before.event, person: before.person });
    // A later change arrives as the second notification: nothing was sent in between.
    const adjusted = await accepted(service, { subject, scope: scopeOf(20) });
    await eventually(() =>
      expect(service.world.dvp.of(started.subscription_id).map(({ body }) => body.end_date)).toEqual([
        started.end_date,
        adjusted.end_date,
      ]),
    );
  });

  it('can shorten it to tomorrow', async () => {
    const subject = somePerson();
    await accepted(service, { subject });
    expect(await accepted(service, { subject, scope: scopeOf(1) })).toMatchObject({
      status: 'active',
      end_date: amsterdamDate(new Date(), 1),
    });
  });

  it("cannot lengthen it above the provider's maximum, and leaves it as it is", async () => {
    const subject = somePerson();
    const started = await accepted(service, { subject, scope: scopeOf(7, 'aanbiederkort') });
    const refused = await ask(service, { subject, scope: scopeOf(8, 'aanbiederkort') });
    expect([refused.status, refused.body.code]).toEqual([422, 'duration_above_maximum']);
    expect(await historyOf(service, started.subscription_id, started.position)).toHaveLength(1);
  });
});
