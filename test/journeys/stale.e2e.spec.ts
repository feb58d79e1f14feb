import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, amsterdamDate, amsterdamMidnight, ask, historyOf, itemOf, recorded, scopeOf } from './walk';

const minute = 60_000;
const day = 86_400_000;

describe('an authorized request', () => {
  let service: TestService;
  let subject: string;
  beforeAll(async () => {
    service = await TestService.start();
    service.world.clock.set(new Date(amsterdamMidnight(amsterdamDate(new Date(), 1)).getTime() + day / 2));
  });
  afterAll(() => service.stop());
  beforeEach(() => {
    subject = somePerson();
  });

  /** So many milliseconds from the service's present moment. */
  const at = (ms: number) => new Date(service.world.clock.now().getTime() + ms).toISOString();

  async function isStale(days: number, authorized_at: string): Promise<void> {
    const before = await recorded(service);
    const answer = await ask(service, { subject, scope: scopeOf(days), authorized_at });
    expect([answer.status, answer.body.code]).toEqual([422, 'authorization_stale']);
    expect(await recorded(service)).toEqual(before);
  }

  it('may lie up to 5 minutes in the future', async () => {
    expect(await accepted(service, { subject, authorized_at: at(5 * minute - 2_000) })).toMatchObject({ version: 1 });
  });

  it('is stale when it lies more than 5 minutes in the future, an ending too', async () => {
    await isStale(180, at(5 * minute + 10_000));
    await accepted(service, { subject });
    await isStale(0, at(5 * minute + 10_000));
    await isStale(10, at(30 * day));
  });

  it('is stale when it is older than the last one applied', async () => {
    await accepted(service, { subject, authorized_at: at(-10 * minute) });
    await accepted(service, { subject, scope: scopeOf(90), authorized_at: at(-5 * minute) });
    await isStale(60, at(-6 * minute));
    await isStale(180, at(-10 * minute));
    await isStale(0, at(-6 * minute));
  });

  it('of the very moment of the last one applied is not older', async () => {
    const authorized_at = at(-5 * minute);
    await accepted(service, { subject, authorized_at });
    expect(await accepted(service, { subject, scope: scopeOf(60), authorized_at })).toMatchObject({ version: 2 });
  });

  it('is judged by moments, not by how they are written', async () => {
    const moment = new Date(at(-5 * minute));
    const inZone = (hours: number, earlierMs = 0) =>
      new Date(moment.getTime() - earlierMs + hours * 3_600_000)
        .toISOString()
        .replace('Z', `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`);
    await accepted(service, { subject, authorized_at: inZone(-11) });
    await isStale(60, inZone(12, 1_000));
    await accepted(service, { subject, scope: scopeOf(60), authorized_at: inZone(12) });
  });

  it('is stale when it is older than the ending, though it would start something new', async () => {
    await accepted(service, { subject, authorized_at: at(-10 * minute) });
    await accepted(service, { subject, scope: scopeOf(0), authorized_at: at(-5 * minute) });
    await isStale(180, at(-6 * minute));
    expect(await accepted(service, { subject, authorized_at: at(-4 * minute) })).toMatchObject({ version: 3 });
  });

  it('is measured by what was applied only: one that changed nothing does not count', async () => {
    await accepted(service, { subject, authorized_at: at(-10 * minute) });
    await accepted(service, { subject, authorized_at: at(-2 * minute) }, 200);
    expect(await accepted(service, { subject, scope: scopeOf(60), authorized_at: at(-5 * minute) })).toMatchObject({
      version: 2,
    });
  });

  it('of another subscription of the person does not count', async () => {
    await accepted(service, { subject, authorized_at: at(-2 * minute) });
    await accepted(service, {
      subject,
      scope: scopeOf(90, 'anderezorgaanbieder', '43'),
      authorized_at: at(-10 * minute),
    });
  });

  it('is stale when the end date it asks for has passed, today included', async () => {
    await isStale(1, at(-day));
    await isStale(10, at(-10 * day));
    await isStale(10, at(-40 * day));
    expect(await accepted(service, { subject, scope: scopeOf(10), authorized_at: at(-9 * day) })).toMatchObject({
      end_date: amsterdamDate(service.world.clock.now(), 1),
    });
  });

  it('to end is never too late: it ends on the day on which the person agreed', async () => {
    await accepted(service, { subject, authorized_at: at(-30 * day) });
    const ended = await accepted(service, { subject, scope: scopeOf(0), authorized_at: at(-20 * day) });
    expect(ended.end_date).toBe(amsterdamDate(new Date(at(-20 * day))));
  });

  it('of a moment at the edges of the calendar is stale and no error of ours', async () => {
    for (const authorized_at of [
      '0000-01-01T00:00:00Z',
      '0001-01-01T00:00:00+12:00',
      '0999-06-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '9999-12-31T23:59:59-12:00',
    ])
      await isStale(180, authorized_at);
    await accepted(service, { subject });
    await isStale(0, '0000-01-01T00:00:00Z');
    await isStale(0, '9999-12-31T23:59:59-12:00');
  });

  it('is measured by the requests of the person only: an ending by the client does not make it stale', async () => {
    const { dvp, clock } = service.world;
    const started = await accepted(service, { subject, authorized_at: at(-10 * minute) });
    await eventually(() => expect(dvp.of(started.subscription_id)).toHaveLength(1));
    dvp.answerWith(400, { error: 'invalid_subscription_id' });
    const adjusted = await accepted(service, { subject, scope: scopeOf(60), authorized_at: at(-9 * minute) });
    await eventually(async () =>
      expect(await itemOf(service, adjusted.subscription_id)).toMatchObject({ end_reason: 'client_endpoint' }),
    );
    dvp.answer();
    const next = await accepted(service, { subject, authorized_at: at(-8 * minute) });
    expect(next.subscription_id).toBe(started.subscription_id.replace(/1$/, '2'));
    expect(await historyOf(service, next.subscription_id, next.position)).toHaveLength(1);
    expect(next.end_date).toBe(amsterdamDate(clock.now(), 180));
  });
});
