import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Answer } from '../support/app';
import { FrontChannel } from './front-channel';
import {
  authorizationRequest,
  backAtClient,
  formOf,
  locationOf,
  type Parameters,
  queryOf,
  redirectUri,
} from './stepwise-visitor';

const decision = '/oauth/interaction/decision';
const leave = '/oauth/interaction/leave';
const page = '/oauth/interaction';

describe('the authorization interface under attack', () => {
  let front: FrontChannel;
  beforeAll(async () => {
    front = await FrontChannel.start();
  });
  afterAll(() => front.stop());

  const ask = (given: Parameters): Promise<Answer> =>
    front.visitor().get(`/oauth/authorize?${queryOf(authorizationRequest(given))}`);
  const staysHere = ({ status, headers }: Answer) => {
    expect(status).toBe(400);
    expect(headers.get('location')).toBeNull();
    expect(headers.get('refresh')).toBeNull();
  };

  describe('by redirection', () => {
    it.each([
      ['another host', 'https://evil.example/'],
      ['another host in the user info', 'http://localhost:3010@evil.example/'],
      ['a host that begins alike', 'http://localhost.evil.example/'],
      ['a backslash', 'http://localhost\\@evil.example/'],
      ['no scheme', '//evil.example'],
      ['a script', 'javascript:alert(1)//localhost'],
      ['data', 'data:text/html,<script>alert(1)</script>'],
      ['a line break', 'http://localhost:3010/terug\r\nLocation: https://evil.example/'],
      ['a null', 'http://localhost:3010/terug\0'],
      ['a fragment', 'http://localhost:3010/terug#'],
      ['a code of its own', 'http://localhost:3010/terug?code=mine'],
      ['more than is reasonable', `http://localhost:3010/${'a'.repeat(1_000)}`],
    ])('never sends a browser to a redirect_uri with %s', async (_what, uri) => {
      staysHere(await ask({ redirect_uri: uri }));
    });

    it('never sends a browser anywhere when the client is unknown, however good its redirect_uri looks', async () => {
      staysHere(await ask({ client_id: 'evil.example', redirect_uri: 'https://evil.example/' }));
    });

    it.each(['client_id', 'redirect_uri'] as const)('never chooses between two values of %s', async (name) => {
      const good = authorizationRequest()[name] as string;
      staysHere(await ask({ [name]: [good, good] }));
      staysHere(await ask({ [name]: [good, 'https://evil.example/'] }));
      staysHere(await ask({ [name]: ['', good] }));
      staysHere(await ask({ [name]: undefined }));
    });

    it('uses the address it has checked, byte for byte', async () => {
      const uri = 'http://localhost:3010/%2F%2fevil.example/..%2f?a=%26b%3D&c=%0d%0aX:y';
      expect(locationOf(await ask({ redirect_uri: uri, scope: 'x' }))).toMatch(
        new RegExp(`^${uri.replace(/[.?]/g, '\\$&')}&error=invalid_request&`),
      );
    });
  });

  describe('by parameters', () => {
    it.each(['response_type', 'scope', 'state', 'MedMij-Request-ID', 'X-Correlation-ID', 'unknown'])(
      'answers a repeated %s with invalid_request and echoes no repeated state',
      async (name) => {
        const value = (authorizationRequest()[name] as string | undefined) ?? 'x';
        const told = backAtClient(await ask({ [name]: [value, value] }));
        expect(told).toMatchObject({ error: 'invalid_request' });
        expect('state' in told).toBe(name !== 'state');
      },
    );

    it.each([
      ['is missing', undefined],
      ['is empty', ''],
      ['has a line break', 'a\r\nSet-Cookie: session=mine'],
      ['has a null', 'a\0b'],
      ['has a letter that is not ASCII', 'é'],
      ['is longer than 1,000 characters', 's'.repeat(1_001)],
    ])('answers a state that %s with invalid_request and echoes none', async (_what, state) => {
      const answer = await ask({ state });
      expect(backAtClient(answer)).toMatchObject({ error: 'invalid_request' });
      expect(backAtClient(answer)).not.toHaveProperty('state');
      expect(answer.headers.getSetCookie()).toEqual([]);
    });

    it('echoes a state of any visible characters as it came, and nothing in it breaks out', async () => {
      const state = `"'<script>&error=none#\\%0d%0a;${'s'.repeat(900)}`;
      expect(backAtClient(await ask({ state, scope: 'x' })).state).toBe(state);
    });

    it.each(['subscribe~180/eenofanderezorgaanbieder~42\r\nx', `subscribe~1/${'a'.repeat(5_000)}~42`, '\0'])(
      'answers the scope %j with invalid_request',
      async (scope) => {
        expect(backAtClient(await ask({ scope }))).toMatchObject({ error: 'invalid_request' });
      },
    );

    it('does not repeat what was sent on the page about it', async () => {
      const { text } = await ask({ client_id: '<script>alert(1)</script>', state: 'mark-of-the-state' });
      expect(text).not.toMatch(/alert|mark-of-the-state/);
    });

    it.each([
      'client_id=%ff',
      'client_id=%',
      'client_id',
      '&&&',
      '?',
      'client_id[]=localhost',
      `a=${'b'.repeat(12_000)}`,
    ])('is not upset by the query %s', async (query) => {
      staysHere(await front.visitor().get(`/oauth/authorize?${query}`));
    });

    it('takes the request by GET only', async () => {
      const { status, headers } = await front.service.send('POST', '/oauth/authorize', {});
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    });

    it('answers a request that a browser would not send as it stands: raw control characters', async () => {
      const { port } = new URL(front.service.world.baseUrl);
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.write(
            'GET /oauth/authorize?client_id=localhost\x01&x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
          );
        });
        socket.setEncoding('utf8');
        let text = '';
        socket.on('data', (chunk: string) => (text += chunk)).on('close', () => resolve(text));
      });
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).not.toMatch(/^location:/im);
    });
  });

  describe('by mixing up browsers and interactions', () => {
    it('shows an interaction to the browser that began it only', async () => {
      const visitor = front.visitor();
      const way = locationOf(await visitor.get(`/oauth/authorize?${queryOf(authorizationRequest())}`));
      const other = front.visitor();
      const shown = await other.get(way);
      expect([shown.status, shown.text.includes('andere browser')]).toEqual([403, true]);
      expect((await visitor.get(way)).status).toBe(200);
    });

    it('takes no answer from another browser, though it has the form', async () => {
      const visitor = front.visitor();
      const statement = await visitor.arriveAs('victim-1');
      const other = front.visitor();
      await other.arrive();
      for (const action of [decision, leave]) expect((await other.submit(statement, action)).status).toBe(403);
      // Nothing happened: the person's own answer counts.
      expect(backAtClient(await visitor.submit(statement, decision))).toHaveProperty('code');
    });

    it('takes no answer without the token of the very form', async () => {
      const visitor = front.visitor();
      const statement = await visitor.arriveAs('victim-2');
      const { fields } = formOf(statement, leave);
      expect((await visitor.post(decision, fields)).status).toBe(403);
      expect((await visitor.post(decision, { ...fields, form_token: '' })).status).toBe(403);
      expect((await visitor.post(decision, { interaction: fields.interaction! })).status).toBe(400);
      expect((await visitor.post(`${decision}?id=1`, {})).status).toBe(400);
      expect((await visitor.post(leave, formOf(statement, decision).fields)).status).toBe(403);
    });

    it('takes a form for the interaction it was made for only', async () => {
      const visitor = front.visitor();
      const [first, second] = [await visitor.arriveAs('victim-3'), await visitor.arriveAs('victim-3')];
      const fields = { ...formOf(first, decision).fields, interaction: formOf(second, decision).fields.interaction! };
      expect((await visitor.post(decision, fields)).status).toBe(403);
    });

    it('does not take the sign-in of one interaction for another one', async () => {
      const visitor = front.visitor();
      await visitor.arriveAs('victim-4');
      const second = await visitor.arrive();
      expect(second.text).toContain('Log eerst in');
      expect(() => formOf(second, decision)).toThrow();
    });

    it('takes no yes of a person who signed in meanwhile and was not asked yet', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const asked = await visitor.signIn(landing, { subject: 'first-person' });
      await visitor.comeBack(landing, { subject: 'second-person' });
      const page = await visitor.get(locationOf(await visitor.submit(asked, decision)));
      expect(page.text).toContain('Geeft u toestemming?');
      expect(backAtClient(await visitor.submit(page, decision))).toHaveProperty('code');
    });

    it('takes the answer of the person who was asked only, should another one sign in meanwhile', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const asked = await visitor.signIn(landing, { subject: 'available-person' });
      front.availability.answer = false;
      const { length } = front.availability.asked;
      // In another tab of the same browser: whoever it is now is asked about anew, and is not available.
      const refused = await visitor.signIn(landing, { subject: 'other-person' });
      front.availability.answer = true;
      expect(front.availability.asked).toHaveLength(length + 1);
      expect(refused.text).toContain('U kunt dit abonnement niet nemen');
      expect(
        backAtClient(
          await visitor
            .get(locationOf(await visitor.submit(asked, decision)))
            .then((shown) => visitor.submit(shown, leave)),
        ),
      ).toMatchObject({ error: 'access_denied' });
    });

    it.each([
      ['made up', 'x'],
      ['of the right form', `0123456789abcdef.${'A'.repeat(200)}`],
      ['too long', `0123456789abcdef.${'A'.repeat(5_000)}`],
      ['empty', ''],
    ])('shows the page of a technical error for a handle that is %s', async (_what, handle) => {
      for (const path of [page, `${page}/sign-in`, `${page}/cancel`, leave]) {
        staysHere(await front.visitor().get(`${path}?id=${handle}`));
      }
      staysHere(await front.visitor().post(leave, { interaction: handle, form_token: 'x' }));
    });

    it('notices a handle of which one bit was changed', async () => {
      const visitor = front.visitor();
      const way = locationOf(await visitor.get(`/oauth/authorize?${queryOf(authorizationRequest())}`));
      const place = way.length - 30;
      const changed = way.slice(0, place) + (way[place] === 'A' ? 'B' : 'A') + way.slice(place + 1);
      staysHere(await visitor.get(changed));
    });

    it('does not let another page end an interaction by leading the browser to an address', async () => {
      const visitor = front.visitor();
      const landing = await visitor.arrive();
      const { fields } = formOf(await visitor.follow(landing, `${page}/cancel`), leave);
      const answer = await visitor.get(`${leave}?id=${fields.interaction}`);
      expect(locationOf(answer)).toBe(`${page}?id=${fields.interaction}`);
      expect((await visitor.get(locationOf(answer))).text).toContain('Log eerst in');
    });
  });

  it('keeps its pages to themselves', async () => {
    const { headers } = await front.visitor().arrive();
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'self'; form-action 'self' ${new URL(redirectUri).origin}; frame-ancestors 'none'; base-uri 'none'`,
    );
    expect(headers.get('cross-origin-opener-policy')).toBe('unsafe-none');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('logs nothing of the person, the code or the handle', async () => {
    const visitor = front.visitor();
    const subject = 'subject-that-must-not-be-seen';
    const statement = await visitor.arriveAs(subject);
    const { code } = backAtClient(await visitor.submit(statement, decision));
    const { interaction } = formOf(statement, decision).fields;
    const log = front.service.world.logLines.join('');
    for (const secret of [subject, code!, interaction!]) expect(log).not.toContain(secret);
  });
});
