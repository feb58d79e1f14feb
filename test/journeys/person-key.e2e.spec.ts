import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { isReady, itemOf, rowsOf, scopeOf, type Standing } from './walk';

describe('PERSON_KEY is rotated in steps while the service runs', () => {
  let service: TestService;
  const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  beforeAll(async () => {
    service = await TestService.start({ PERSON_KEY: oldKey });
    await isReady(service);
  });
  afterAll(() => service.stop());

  const subject = somePerson();
  let first: ReturnType<typeof authorizedRequest>;
  let standing: Standing;
  let personId: unknown;
  const hand = (at: TestService, body: object) => at.post<Standing>('/authorizations', body);
  const rowsOfKeys = async () =>
    (await rowsOf<{ count: number }>(service, 'select count(*)::int as count from person group by key_id')).map(
      ({ count }) => count,
    );
  /** Who came in at the beginning is the same person, and the first request is still known as the one it was. */
  const isSame = async () => {
    const repeated = await hand(service, first);
    expect([repeated.status, repeated.body]).toEqual([200, standing]);
    const other = await hand(service, { ...first, subject: somePerson() });
    expect(other.status).toBe(409);
    const more = await hand(service, authorizedRequest({ subject, scope: scopeOf(30, 'anderezorgaanbieder', '43') }));
    expect(more.status).toBeLessThan(300);
    const item = await itemOf(service, more.body.subscription_id, more.body.position);
    expect(item.person_id).toBe(personId);
    const told = await service.post<{ notifications: number }>(
      '/resource-changes',
      {
        change_id: randomUUID(),
        subject,
        provider: 'eenofanderezorgaanbieder',
        service_id: '42',
        available_at: service.world.clock.now().toISOString(),
      },
      'resource-changes:write',
    );
    expect(told.body).toEqual({ notifications: 1 });
    const resources = () =>
      service.world.dvp.of(standing.subscription_id).filter(({ body }) => body.notification_type === 'resource');
    const before = resources().length;
    // The subject is unsealed to ask whether anything is available.
    await eventually(() => expect(resources().length).toBeGreaterThan(before));
  };

  it('from the beginning', async () => {
    first = authorizedRequest({ subject });
    const answer = await hand(service, first);
    expect(answer.status).toBe(201);
    standing = answer.body;
    ({ person_id: personId } = await itemOf(service, standing.subscription_id, standing.position));
    for (let count = 0; count < 20; count += 1) await hand(service, authorizedRequest());
  });

  it('first every process learns the new key, and nothing moves', async () => {
    await service.restart({ PERSON_KEY: oldKey, PERSON_KEY_PREVIOUS: newKey });
    await isReady(service);
    await isSame();
    expect(await rowsOfKeys()).toEqual([21]);
  });

  it('then one after the other puts it first: a new person is one person, whichever process hears of them', async () => {
    const beside = await service.beside({ PERSON_KEY: newKey, PERSON_KEY_PREVIOUS: oldKey });
    try {
      const known = await hand(beside, first);
      expect([known.status, known.body]).toEqual([200, standing]);
      for (let count = 0; count < 10; count += 1) {
        const both = { subject: somePerson(), authorized_at: service.world.clock.now().toISOString() };
        const answers = await Promise.all(
          [service, beside, service, beside].map((one) => hand(one, authorizedRequest(both))),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
        expect(new Set(answers.map(({ body }) => body.subscription_id)).size).toBe(1);
      }
    } finally {
      await beside.world.app.close();
    }
    expect((await rowsOf(service, 'select 1 from person')).length).toBe(31);
  });

  it('then all persons move, seen in a figure, and everything is as before', async () => {
    await service.restart({ PERSON_KEY: newKey, PERSON_KEY_PREVIOUS: oldKey });
    await isReady(service);
    await isSame();
    await eventually(async () => {
      const { text } = await service.send('GET', '/metrics', {});
      expect(text).toContain('medmij_person_key_moved_ratio 1\n');
    });
    expect(await rowsOfKeys()).toEqual([31]);
    await isSame();
  });

  it('and at last the old key goes', async () => {
    delete service.world.env.PERSON_KEY_PREVIOUS;
    await service.restart();
    await isReady(service);
    await isSame();
    const { text } = await service.send('GET', '/metrics', {});
    expect(text).not.toContain('medmij_person_key_moved_ratio');
  });
});
