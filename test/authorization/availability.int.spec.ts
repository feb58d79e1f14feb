import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FrontChannel } from './front-channel';
import { backAtClient } from './stepwise-visitor';

describe('without an answer about availability', () => {
  let front: FrontChannel;
  beforeAll(async () => {
    front = await FrontChannel.start();
  });
  afterEach(() => {
    front.availability.answer = true;
    front.issuer.behaviour = { subject: 'nobody' };
  });
  afterAll(() => front.stop());

  const failed = { error: 'access_denied', error_description: 'Authorization failed.' };

  it('the authorization cannot be established, and stays so', async () => {
    front.availability.answer = { status: 200, body: '{}' };
    const visitor = front.visitor();
    const landing = await visitor.arrive();
    expect(backAtClient(await visitor.signIn(landing, { subject: 'a' }))).toMatchObject(failed);
    front.availability.answer = true;
    expect(backAtClient(await visitor.follow(landing, '/oauth/interaction/sign-in'))).toMatchObject(failed);
    expect(backAtClient(await visitor.follow(landing, '/oauth/interaction/cancel'))).toMatchObject(failed);
  });

  it('an ending goes on as usual', async () => {
    front.availability.answer = 'hang up';
    const visitor = front.visitor();
    const statement = await visitor.arriveAs('b', { scope: 'subscribe~0/eenofanderezorgaanbieder~42' });
    expect(backAtClient(await visitor.submit(statement, '/oauth/interaction/decision'))).toHaveProperty('code');
  });

  it('nothing of the person is said in the log', async () => {
    front.availability.answer = 'hang up';
    await front.visitor().arriveAs('subject-not-to-be-seen');
    expect(front.lines('authorization.failed').at(-1)).toMatchObject({ exception: 'Abonneren 5' });
    expect(front.service.world.logLines.join('')).not.toContain('subject-not-to-be-seen');
  });

  it('an issuer that is away after the sign-in is the same', async () => {
    const visitor = front.visitor();
    const landing = await visitor.arrive();
    expect(backAtClient(await visitor.signIn(landing, { subject: 'c', token: 'hang up' }))).toMatchObject(failed);
  });

  it('an issuer that is away before the sign-in is temporary', async () => {
    await front.service.restart();
    await front.issuer.stop();
    const visitor = front.visitor();
    const landing = await visitor.arrive();
    const answer = await visitor.follow(landing, '/oauth/interaction/sign-in');
    await front.issuer.start();
    expect(backAtClient(answer)).toMatchObject({ error: 'temporarily_unavailable' });
  });
});
