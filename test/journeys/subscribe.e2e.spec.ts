import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dateOf } from '../../src/subscriptions';
import { authorizedRequest, TestService } from '../support/app';
import { eventually } from '../support/eventually';

describe('subscribe, adjust, terminate', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  it('starts a subscription, publishes it, shows it and tells the client', async () => {
    const request = authorizedRequest();
    const answer = await service.post('/authorizations', request, 'authorizations:write', {
      'x-correlation-id': 'conversation-1',
    });
    expect(answer.status).toBe(201);
    const { subscription_id: id, position, end_date: endDate } = answer.body as Record<string, string>;
    expect(answer.body).toEqual({ subscription_id: id, status: 'active', end_date: endDate, version: 1, position });

    const item = await service.get(`/ops/api/subscriptions/${id}?wait_for=${position}`);
    expect(item.status).toBe(200);
    expect(item.body).toMatchObject({
      subscription_id: id,
      status: 'active',
      client_id: 'localhost',
      end_reason: null,
    });
    expect(dateOf(new Date()) < endDate!).toBe(true);

    await eventually(() => expect(service.world.dvp.of(id!)).toHaveLength(1));
    const [told] = service.world.dvp.of(id!);
    expect(told).toMatchObject({
      path: '/subscriptions/Notification',
      sender: 'medmij-subscriptions',
      body: { subscription_id: id, notification_type: 'subscription', end_date: endDate },
    });
    expect(told!.headers['x-correlation-id']).toBe('conversation-1');

    await service.world.otherSide.follow('medmij.subscriptions.v1');
    await eventually(() => expect(service.world.otherSide.seen).toHaveLength(1));
    expect(service.world.otherSide.seen[0]).toMatchObject({
      key: id!.slice(0, 36),
      headers: { ce_type: 'nl.medmij.subscription.started.v1', ce_subject: id, ce_correlationid: 'conversation-1' },
    });
  });
});
