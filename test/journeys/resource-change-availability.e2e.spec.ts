import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { AvailabilityServer } from '../support/availability-server';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, isReady, resumeClient, rowsOf, holdClient } from './walk';

describe('between a resource change and its notification', () => {
  const availability = new AvailabilityServer();
  let service: TestService;
  beforeAll(async () => {
    await availability.start();
    service = await TestService.start({ AVAILABILITY_URL: availability.url });
    await isReady(service);
  });
  beforeEach(() => {
    availability.answer = true;
  });
  afterAll(async () => {
    await service.stop();
    await availability.stop();
  });

  const tell = async (subject: string) => {
    const change = {
      change_id: randomUUID(),
      subject,
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      available_at: service.world.clock.now().toISOString(),
    };
    const answer = await service.post('/resource-changes', change, 'resource-changes:write');
    expect([answer.status, answer.body]).toEqual([202, { notifications: 1 }]);
  };
  const subscribed = async (subject: string) => {
    const { subscription_id: id } = await accepted(service, { subject });
    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    return id;
  };
  const typesTold = (id: string) => service.world.dvp.of(id).map(({ body }) => body.notification_type);
  const resourceOf = async (id: string) =>
    (await deliveriesOf(service, id)).find((delivery) => delivery.notification_type === 'resource');

  it('the availability is asked, for that person, provider and service', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    await tell(subject);
    await eventually(() => expect(typesTold(id)).toEqual(['subscription', 'resource']));
    expect(availability.asked).toContainEqual({
      subject,
      issuer: 'urn:oid:2.16.840.1.113883.2.4.6.3',
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
    });
  });

  it('a person who is not available any more is not spoken of, and nothing is tried again', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    availability.answer = false;
    await tell(subject);
    await eventually(async () =>
      expect(await resourceOf(id)).toMatchObject({ state: 'dropped', last_error: 'not_available', attempts: 0 }),
    );
    availability.answer = true;
    service.world.clock.advance(3_600_000);
    // Somebody else is told meanwhile: what had been put off would have gone before.
    const other = somePerson();
    const otherId = await subscribed(other);
    await tell(other);
    await eventually(() => expect(typesTold(otherId)).toEqual(['subscription', 'resource']));
    expect(typesTold(id)).toEqual(['subscription']);
    service.world.clock.advance(-3_600_000);
  });

  it('nothing is sent while nobody can say, no try is counted, and it goes out when the answer is there', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    availability.answer = 'hang up';
    await tell(subject);
    await eventually(async () =>
      expect(await resourceOf(id)).toMatchObject({ state: 'pending', last_error: 'availability_unknown', attempts: 0 }),
    );
    availability.answer = true;
    service.world.clock.advance(15_000);
    await eventually(() => expect(typesTold(id)).toEqual(['subscription', 'resource']));
    expect(service.world.logLines.join('')).not.toContain(subject);
  });

  it('a person who is erased is not spoken of', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    await holdClient(service);
    await tell(subject);
    await rowsOf(
      service,
      'delete from person where person_id = (select person_id from delivery where subscription_id = $1 limit 1)',
      [id],
    );
    await resumeClient(service);
    await eventually(async () =>
      expect(await resourceOf(id)).toMatchObject({ state: 'dropped', last_error: 'not_available' }),
    );
    expect(typesTold(id)).toEqual(['subscription']);
  });

  it('a suspended client waits, and is told when it goes on', async () => {
    const subject = somePerson();
    const id = await subscribed(subject);
    await holdClient(service);
    await tell(subject);
    await eventually(async () => expect(await resourceOf(id)).toMatchObject({ state: 'parked' }));
    expect(typesTold(id)).toEqual(['subscription']);
    await resumeClient(service);
    await eventually(() => expect(typesTold(id)).toEqual(['subscription', 'resource']));
  });
});
