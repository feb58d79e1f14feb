import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FrontChannel } from './front-channel';
import { authorizationRequest, backAtClient, formOf, queryOf } from './stepwise-visitor';

const decision = '/oauth/interaction/decision';
const leave = '/oauth/interaction/leave';
const failed = { error: 'access_denied', error_description: 'Authorization failed.' };

describe('while the database is away', () => {
  let front: FrontChannel;
  beforeAll(async () => {
    front = await FrontChannel.start();
    // What a server says that is starting or shutting down, to everything that changes an interaction or issues a code.
    await front.sql(`create function away() returns trigger language plpgsql as
      $$ begin raise exception 'the database system is shutting down' using errcode = '57P03'; end $$`);
  });
  afterEach(async () => {
    await front.sql('drop trigger if exists away on interaction');
    await front.sql('drop trigger if exists away on access_grant');
  });
  afterAll(() => front.stop());

  const away = (table: string) =>
    front.sql(`create trigger away before insert or update on ${table} for each row execute function away()`);

  it('a new request is answered with temporarily_unavailable', async () => {
    await away('interaction');
    const answer = await front.visitor().get(`/oauth/authorize?${queryOf(authorizationRequest())}`);
    expect(backAtClient(answer)).toMatchObject({ error: 'temporarily_unavailable' });
  });

  it('a yes cannot be established, and every way back says the same', async () => {
    const visitor = front.visitor();
    const landing = await visitor.arrive({ state: 'one' });
    const cancelling = await visitor.follow(landing, '/oauth/interaction/cancel');
    const statement = await visitor.signIn(landing, { subject: 'a' });
    await away('interaction');
    for (const [page, action] of [
      [statement, decision],
      [statement, leave],
      [cancelling, leave],
    ] as const) {
      expect(backAtClient(await visitor.submit(page, action))).toMatchObject({ ...failed, state: 'one' });
    }
  });

  it('a yes that could not be carried out stays failed, and no code comes of it later', async () => {
    const visitor = front.visitor();
    const statement = await visitor.arriveAs('b');
    const { fields } = formOf(statement, decision);
    await away('access_grant');
    expect(backAtClient(await visitor.post(decision, fields))).toMatchObject(failed);
    await front.sql('drop trigger away on access_grant');
    expect(backAtClient(await visitor.post(decision, fields))).toMatchObject(failed);
    expect(backAtClient(await visitor.submit(statement, leave))).toMatchObject(failed);
  });
});
