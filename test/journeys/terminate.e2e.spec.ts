import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, amsterdamDate, ask, historyOf, itemOf, recorded, scopeOf, typesOf } from './walk';

describe('an authorized request to end', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  it('ends the subscription today, because the person wanted it', async () => {
    const subject = somePerson();
    const started = await accepted(service, { subject });
    const ended = await accepted(service, { subject, scope: scopeOf(0) });
    const today = amsterdamDate(new Date());
    expect(ended).toMatchObject({
      subscription_id: started.subscription_id,
      status: 'terminated',
      end_date: today,
      version: 2,
    });
    expect(await itemOf(service, started.subscription_id, ended.position)).toMatchObject({
      status: 'terminated',
      end_date: today,
      end_reason: 'person',
      version: 2,
      suspended_by: null,
    });
    const history = await historyOf(service, started.subscription_id);
    expect(typesOf(history)).toEqual(['started', 'terminated']);
    expect(history[1]!.data).toMatchObject({
      reason: 'person',
      end_date: today,
      previous_end_date: started.end_date,
    });
    await eventually(() =>
      expect(service.world.dvp.of(started.subscription_id).map(({ body }) => body)).toEqual([
        expect.objectContaining({ end_date: started.end_date }),
        { subscription_id: started.subscription_id, notification_type: 'subscription', end_date: today },
      ]),
    );
  });

  it('ends it on the day on which the person agreed, though it comes in later', async () => {
    const subject = somePerson();
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    await accepted(service, { subject, authorized_at: daysAgo(5).toISOString() });
    const ended = await accepted(service, {
      subject,
      scope: scopeOf(0),
      authorized_at: daysAgo(3).toISOString(),
    });
    expect(ended).toMatchObject({ status: 'terminated', end_date: amsterdamDate(daysAgo(3)) });
  });

  it('of what has ended changes nothing and records nothing', async () => {
    const subject = somePerson();
    await accepted(service, { subject });
    const ended = await accepted(service, { subject, scope: scopeOf(0) });
    const before = await recorded(service);
    expect(await accepted(service, { subject, scope: scopeOf(0) }, 200)).toEqual(ended);
    expect(await recorded(service)).toMatchObject({ event: before.event, person: before.person });
    expect(await historyOf(service, ended.subscription_id, ended.position)).toHaveLength(2);
  });

  it('is refused where there never was a subscription, and makes no person known', async () => {
    const before = await recorded(service);
    const refused = await ask(service, { scope: scopeOf(0) });
    expect([refused.status, refused.body.code]).toEqual([422, 'not_subscribed']);
    expect(await recorded(service)).toEqual(before);
  });

  it('is refused where the person has a subscription with somebody else only', async () => {
    const subject = somePerson();
    await accepted(service, { subject });
    const before = await recorded(service);
    const refused = await ask(service, { subject, scope: scopeOf(0, 'anderezorgaanbieder', '43') });
    expect([refused.status, refused.body.code]).toEqual([422, 'not_subscribed']);
    expect(await recorded(service)).toEqual(before);
  });

  it('leaves the other subscriptions of the person alone', async () => {
    const subject = somePerson();
    await accepted(service, { subject });
    const other = await accepted(service, { subject, scope: scopeOf(90, 'anderezorgaanbieder', '43') });
    const ended = await accepted(service, { subject, scope: scopeOf(0) });
    expect(await itemOf(service, other.subscription_id, ended.position)).toMatchObject({
      status: 'active',
      version: 1,
    });
  });

  it('is for good: a new start gets a new id, and the version goes on', async () => {
    const subject = somePerson();
    const first = await accepted(service, { subject });
    await accepted(service, { subject, scope: scopeOf(0) });
    const second = await accepted(service, { subject, scope: scopeOf(30) });
    const stream = first.subscription_id.slice(0, 36);
    expect([first.subscription_id, second.subscription_id]).toEqual([`${stream}.1`, `${stream}.2`]);
    expect(second).toMatchObject({ status: 'active', version: 3, end_date: amsterdamDate(new Date(), 30) });

    expect(typesOf(await historyOf(service, second.subscription_id, second.position))).toEqual(['started']);
    expect((await historyOf(service, second.subscription_id))[0]!.version).toBe(3);
    expect(typesOf(await historyOf(service, first.subscription_id))).toEqual(['started', 'terminated']);
    expect(await itemOf(service, first.subscription_id)).toMatchObject({ status: 'terminated', version: 2 });
    expect(await itemOf(service, second.subscription_id)).toMatchObject({
      status: 'active',
      version: 3,
      end_reason: null,
    });

    const third = await accepted(service, { subject, scope: scopeOf(0) });
    expect(third).toMatchObject({ subscription_id: second.subscription_id, status: 'terminated', version: 4 });
    await eventually(() => {
      expect(service.world.dvp.of(first.subscription_id)).toHaveLength(2);
      expect(service.world.dvp.of(second.subscription_id)).toHaveLength(2);
    });
  });
});
