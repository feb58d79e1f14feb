import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, ownAddress, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { Visitor } from '../support/visitor';

import { accepted, isReady, type Problem } from './walk';

const fromThePage = (url: string) => ({ 'x-ops-page': '1', origin: new URL(url).origin });

describe('an operator’s browser', () => {
  let service: TestService;
  let url: string;
  let visitor: Visitor;
  beforeAll(async () => {
    const address = await ownAddress();
    url = address.PUBLIC_URL;
    service = await TestService.start(address);
    await service.restart({ OPS_OIDC_ISSUER: service.world.issuer.url });
    await isReady(service);
  });
  afterAll(() => service?.stop());
  beforeEach(() => {
    visitor = new Visitor();
    service.world.issuer.behaviour = { subject: 'olga', claims: { scope: 'openid ops:read ops:write' } };
  });

  const jarOf = ({ cookies }: Visitor) => cookies.get(new URL(url).host) ?? new Map<string, string>();
  /** What the browser sends along, with `more` on top. */
  const headersOf = (more: Record<string, string> = {}, who = visitor) => ({
    cookie: [...jarOf(who)].map((pair) => pair.join('=')).join('; '),
    ...more,
  });
  const get = (path: string): Promise<Answer<Problem>> => service.send('GET', path, headersOf());
  const post = (path: string, more: Record<string, string>, body?: object): Promise<Answer<Problem>> =>
    service.send(
      'POST',
      path,
      headersOf({ ...(body && { 'content-type': 'application/json' }), ...more }),
      body && JSON.stringify(body),
    );
  /** Where the way to the issuer and back ends. */
  const signIn = async (to = '/') => (await visitor.get(`${url}/ops/sign-in?to=${to}`)).way.at(-1)!;
  const suspend = (more: Record<string, string>) =>
    post('/ops/api/clients/localhost/suspend', more, { reason_text: 'a trial' });
  const resume = (more: Record<string, string>) =>
    post('/ops/api/clients/localhost/resume', more, { reason_text: 'the trial is over' });

  it('signs in, comes back to the part of the page it left, and is known from then on', async () => {
    expect((await get('/ops/session')).body).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect((await get('/ops/api/stats')).status).toBe(401);
    expect(await signIn('/clients/localhost')).toBe(`${url}/ops/#/clients/localhost`);
    expect((await get('/ops/session')).body).toEqual({ subject: 'olga', scopes: ['ops:read', 'ops:write'] });
    expect((await get('/ops/api/stats')).status).toBe(200);
  });

  it('keeps its session in a cookie that no script reads and no other site sends along', async () => {
    const way = await visitor.get(`${url}/ops/sign-in?to=/`);
    expect(way.status).toBeLessThan(500);
    const again = await fetch(`${url}/ops/sign-in?to=/`, { headers: headersOf(), redirect: 'manual' });
    const issuers = await fetch(again.headers.get('location')!, { redirect: 'manual' });
    const back = await fetch(issuers.headers.get('location')!, { headers: headersOf(), redirect: 'manual' });
    expect(back.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^operator=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
  });

  it('writes only by the script of our own page', async () => {
    await signIn();
    const incomplete: Record<string, string>[] = [
      {},
      { 'x-ops-page': '1' },
      { origin: url },
      { ...fromThePage(url), origin: 'https://elsewhere.example' },
      { ...fromThePage(url), origin: 'http://localhost:1' },
      { ...fromThePage(url), origin: 'null' },
    ];
    for (const headers of incomplete) {
      const answer = await suspend(headers);
      expect([headers, answer.status, answer.body.code]).toEqual([headers, 403, 'forbidden']);
    }
    expect((await suspend(fromThePage(url))).status).toBe(200);
    expect((await resume({})).status).toBe(403);
    expect((await resume(fromThePage(url))).status).toBe(200);
    expect(service.world.logLines.join('')).toMatch(/"who":"olga","what":"client\.suspend"/);
  });

  it('reads and changes nothing without ops:write', async () => {
    service.world.issuer.behaviour = { subject: 'rik', claims: { scope: ['ops:read', 'something-else'] } };
    await signIn();
    expect((await get('/ops/session')).body).toEqual({ subject: 'rik', scopes: ['ops:read'] });
    expect((await get('/ops/api/lists')).status).toBe(200);
    const refused = await suspend(fromThePage(url));
    expect([refused.status, refused.body.detail]).toEqual([403, 'The session lacks the scope ops:write.']);
  });

  it('opens no other door, and adds nothing to a token that is sent', async () => {
    await signIn();
    expect((await post('/authorizations', fromThePage(url), {})).status).toBe(401);
    const authorization = `Bearer ${await service.token('ops:read')}`;
    expect((await suspend({ ...fromThePage(url), authorization })).body.detail).toBe(
      'The token lacks the scope ops:write.',
    );
    expect((await service.send('GET', '/ops/api/stats', headersOf({ authorization: 'Bearer x' }))).status).toBe(401);
  });

  it.each([
    ['without a scope', { subject: 'somebody', claims: {} }, 'no-operator'],
    ['with the scopes of others', { subject: 'somebody', claims: { scope: 'authorizations:write' } }, 'no-operator'],
    ['who may only write', { subject: 'somebody', claims: { scope: 'ops:write' } }, 'no-operator'],
    ['whom the issuer refuses', { subject: 'x', redirect: { error: 'access_denied' } }, 'failed'],
    ['under a foreign key', { subject: 'x', claims: { scope: 'ops:read' }, foreignKey: true }, 'failed'],
    ['while the issuer is away', { subject: 'x', token: 'hang up' as const }, 'outage'],
  ])('is not signed in for somebody %s', async (_case, behaviour, kind) => {
    service.world.issuer.behaviour = behaviour;
    expect(await signIn('/clients')).toBe(`${url}/ops/#/sign-in/${kind}`);
    expect((await get('/ops/session')).status).toBe(401);
    expect(jarOf(visitor).has('operator')).toBe(false);
  });

  it('is signed in once by one answer, and by none that another browser or another door asked for', async () => {
    const callback = async (begin: string, path: string) => {
      const left = await fetch(`${url}${begin}`, { headers: headersOf(), redirect: 'manual' });
      for (const set of left.headers.getSetCookie()) jarOf(visitor).set(...cookieIn(set));
      const issued = await fetch(left.headers.get('location')!, { redirect: 'manual' });
      return `${url}${path}${new URL(issued.headers.get('location')!).search}`;
    };
    await visitor.get(`${url}/ops/sign-in`);
    const own = await callback('/ops/sign-in', '/ops/sign-in/callback');
    expect((await new Visitor().get(own)).way).toEqual([`${url}/ops/#/sign-in/over`]);
    expect((await visitor.get(own)).way).toEqual([`${url}/ops/#/`]);
    expect((await visitor.get(own)).way).toEqual([`${url}/ops/#/sign-in/over`]);
    const ofPersons = await callback('/my/sign-in?to=/my/subscriptions', '/ops/sign-in/callback');
    expect((await visitor.get(ofPersons)).way).toEqual([`${url}/ops/#/sign-in/over`]);
    const atPersons = await callback('/ops/sign-in', '/sign-in/callback');
    expect((await visitor.get(atPersons)).status).toBe(400);
  });

  it.each([
    ['another site', 'https://elsewhere.example/'],
    ['what is no path', 'clients'],
    ['what is too long', `/${'x'.repeat(501)}`],
    ['what ends an attribute', '/"x'],
    ['a fragment of its own', '/#/x'],
  ])('comes back to parts of the page only, not to %s', async (_case, to) => {
    expect((await visitor.get(`${url}/ops/sign-in?to=${encodeURIComponent(to)}`)).status).toBe(400);
  });

  it('is asked again half an hour after its last request, and after a shift in any case', async () => {
    const { clock } = service.world;
    const minutes = (count: number) => clock.advance(count * 60_000);
    await signIn();
    for (let passed = 0; passed < 475; passed += 25) {
      expect((await get('/ops/session')).status).toBe(200);
      minutes(25);
    }
    expect((await get('/ops/session')).status).toBe(200);
    minutes(6);
    expect((await get('/ops/session')).status).toBe(401);
    await signIn();
    minutes(31);
    expect((await get('/ops/api/stats')).status).toBe(401);
  });

  describe('listening to the live figures', () => {
    interface Figures {
      subscriptions: Record<string, number>;
      deliveries: Record<string, number>;
      lists: object[];
      amiss: object[];
      now: { seconds: number; events: number; commands: number; outcomes: Record<string, number> };
    }

    it('sees every change within seconds, computed once for everybody', async () => {
      await signIn();
      const listener = await listen(headersOf());
      const other = await listen({ authorization: `Bearer ${await service.token('ops:read')}` });
      await eventually(() => expect(listener.messages.length).toBeGreaterThan(0));
      // The charts went on before anybody listened: the first message is about the time since their last point.
      expect((JSON.parse(listener.messages[0]!) as Figures).now.seconds).toBeGreaterThan(1);
      await accepted(service, {}, 201);
      const sum = (of: (figures: Figures) => number) =>
        listener.messages
          .slice(1)
          .map((text) => of(JSON.parse(text) as Figures))
          .reduce((all, one) => all + one, 0);
      await eventually(() => {
        expect([sum(({ now }) => now.events), sum(({ now }) => now.commands)]).toEqual([1, 1]);
        expect(sum(({ now }) => now.outcomes.delivered!)).toBeGreaterThan(0);
      });
      const stats = await get('/ops/api/stats');
      await eventually(() => {
        const last = JSON.parse(listener.messages.at(-1)!) as Figures;
        expect(Object.keys(last)).toEqual(expect.arrayContaining(Object.keys(stats.body)));
        expect([last.amiss, last.lists.length]).toEqual([[], 4]);
        const shared = other.messages.filter((message) => listener.messages.includes(message));
        expect(shared.length).toBeGreaterThan(1);
      });
      const later = await listen(headersOf());
      await eventually(() => expect(later.history.length).toBe(1));
      expect((JSON.parse(later.history[0]!) as object[]).length).toBeGreaterThan(0);
      for (const one of [listener, other, later]) one.close();
    });

    it('is sent away when there are too many already, and comes in when one has left', async () => {
      await signIn();
      const many: Awaited<ReturnType<typeof listen>>[] = [];
      // Those who left a moment ago may still be counted.
      await eventually(async () => {
        while (many.length < 50) many.push(await listen(headersOf()));
      });
      expect((await get('/ops/api/stream')).status).toBe(503);
      many[0]!.close();
      await eventually(async () => many.push(await listen(headersOf())));
      // Those who still listen hold up no shutdown.
    });

    /** A listener by hand: what it has heard so far. */
    async function listen(headers: Record<string, string>) {
      const leaving = new AbortController();
      const answer = await fetch(`${url}/ops/api/stream`, { headers, signal: leaving.signal });
      if (answer.status !== 200) leaving.abort();
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      const heard = { messages: [] as string[], history: [] as string[], close: () => leaving.abort() };
      const read = async () => {
        let text = '';
        for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
          text += piece;
          const parts = text.split('\n\n');
          text = parts.pop()!;
          for (const part of parts) {
            const list = part.includes('event: history') ? heard.history : heard.messages;
            list.push(/^data: (.*)$/m.exec(part)![1]!);
          }
        }
      };
      // It ends when the listener leaves or the service stops.
      read().catch(() => undefined);
      return heard;
    }
  });

  it('signs out, for whoever has its cookie', async () => {
    await signIn();
    const taken = headersOf();
    expect((await post('/ops/sign-out', {})).status).toBe(403);
    expect((await get('/ops/session')).status).toBe(200);
    expect((await post('/ops/sign-out', fromThePage(url))).status).toBe(204);
    expect((await service.send('GET', '/ops/session', taken)).status).toBe(401);
    expect((await service.send('GET', '/ops/session', { cookie: `operator=${randomUUID()}` })).status).toBe(401);
  });
});

function cookieIn(set: string): [string, string] {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
  return [name!, value!];
}
