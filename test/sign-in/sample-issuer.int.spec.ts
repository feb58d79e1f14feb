import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSampleIssuer } from '../../dev/sample-issuer/issuer';
import { passesElevenTest } from '../../dev/sample-person';
import { developmentSignIn } from '../../src/config';
import { samplePersons } from '../../src/persons';
import { createLogger } from '../../src/platform';
import { Issuer } from '../../src/sign-in/issuer';
import { freePort } from '../../dev/ports';
import { Visitor } from '../support/visitor';

const redirectUri = 'http://localhost:3000/sign-in/callback';
const secrets = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) };

describe('the issuer of the sample persons', () => {
  let server: Server;
  let url: string;
  let issuer: Issuer;
  beforeAll(async () => {
    const port = await freePort();
    url = `http://localhost:${port}/issuer`;
    server = createServer(await createSampleIssuer({ url, redirectUri }));
    await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
    const client = { ...developmentSignIn, subjectClaim: 'sub', redirectUri, hostAddresses: {} };
    const options = { issuer: url, ...client, mayBeAway: false };
    issuer = new Issuer(await import('openid-client'), options, createLogger('silent'));
  });
  afterAll(() => void server.close());

  /** Up to the page, with the visitor who sees it. */
  async function arrive() {
    const visitor = new Visitor((address) => address.origin === new URL(url).origin);
    return { visitor, page: await visitor.get((await issuer.signInUrl(secrets)).href) };
  }

  async function choose(person: string) {
    const { visitor, page } = await arrive();
    const { way } = await visitor.post(page.url, { person });
    const back = new URL(way.at(-1)!);
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
    return issuer.outcomeOf(back.search, { ...secrets, elapsedMs: 0 });
  }

  it('shows everybody one can be, and that it is not real', async () => {
    const { page } = await arrive();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    for (const { subject, name } of samplePersons) {
      expect(page.text).toContain(subject);
      expect(page.text).toContain(name);
    }
    expect(page.text).toContain('Alleen voor ontwikkeling');
  });

  it('has persons of every kind that matters, with numbers that are nobody’s', () => {
    expect(new Set(samplePersons.map(({ availability }) => availability))).toEqual(
      new Set(['available', 'under_16', 'no_treatment_relation']),
    );
    for (const { subject } of samplePersons) {
      expect(subject).toMatch(/^9999[0-9]{5}$/);
      expect(passesElevenTest(subject)).toBe(true);
    }
  });

  it.each([...samplePersons.map(({ subject }) => subject), '999912345', ' 999912345 '])(
    'signs in %s, and anybody else with a test number',
    async (person) => {
      expect(await choose(person)).toEqual({ kind: 'identified', person: { subject: person.trim() } });
    },
  );

  it('cannot establish who the unknown one is', async () => {
    expect(await choose('unknown')).toEqual({ kind: 'failed' });
  });

  it.each(['', '123456782', '99991234', '9999123456', '9999a2345', `9999${'1'.repeat(2_000)}`])(
    'takes no number like %j',
    async (person) => {
      const { visitor, page } = await arrive();
      const shown = await visitor.post(page.url, { person });
      expect([shown.status, shown.text]).toEqual([400, expect.stringContaining('begint met 9999')]);
    },
  );

  it('knows no choice twice, and none of another browser', async () => {
    const { visitor, page } = await arrive();
    expect((await new Visitor().get(page.url)).status).toBe(400);
    await visitor.post(page.url, { person: 'unknown' });
    expect((await visitor.post(page.url, { person: 'unknown' })).status).toBe(400);
  });

  it('sends browsers back to the service only', async () => {
    const address = await issuer.signInUrl(secrets);
    address.searchParams.set('redirect_uri', 'https://evil.example/sign-in/callback');
    const { status, way } = await new Visitor().get(address.href);
    expect([status, way]).toEqual([400, []]);
  });
});
