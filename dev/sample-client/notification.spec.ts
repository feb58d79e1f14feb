import { describe, expect, it } from '@jest/globals';
import { readNotification } from './notification';

const about = { subscription_id: 'a-1', notification_type: 'subscription', end_date: '2027-01-31' };
const read = (body: unknown, expected: 'subscription' | 'resource' = 'subscription') =>
  readNotification(JSON.stringify(body), expected);

describe('the sample client', () => {
  it('takes a notification of the type of its endpoint', () => {
    expect(read(about)).toEqual({ notification: about });
    const resource = { subscription_id: 'a-1', notification_type: 'resource' };
    expect(read(resource, 'resource')).toEqual({ notification: resource });
  });

  it('names a wrong type', () => {
    expect(read(about, 'resource')).toEqual({ error: 'invalid_notification_type' });
    expect(read({ ...about, notification_type: 'other' })).toEqual({ error: 'invalid_notification_type' });
  });

  it.each([
    ['a missing type', { ...about, notification_type: undefined }],
    ['a missing end date', { ...about, end_date: undefined }],
    ['a date that does not exist', { ...about, end_date: '2027-02-30' }],
    ['a field nobody agreed on', { ...about, bsn: '999990019' }],
    ['an id with other characters', { ...about, subscription_id: 'a/1' }],
    ['an id too long', { ...about, subscription_id: 'a'.repeat(65) }],
    ['no object', [about]],
  ])('refuses %s', (_, body) => {
    expect(read(body)).toEqual({ error: 'invalid_request' });
  });

  it('refuses what is not JSON', () => {
    expect(readNotification('{', 'subscription')).toEqual({ error: 'invalid_request' });
  });
});
