import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { FormTokens } from '../../src/screens';
import { authorizedRequest, ownAddress, somePerson, TestService } from '../support/app';
import { type Shown, Visitor } from '../support/visitor';
import { accepted, isReady, itemOf, rowsOf, scopeOf, resumeClient, suspend, suspendClient } from './walk';

const dayMs = 24 * 3_600_000;

describe('the pages of one’s own', () => {
  let service: TestService;
  let url: string;
  let visitor: Visitor;
  let person: string;
  beforeAll(async () => {
    const address = await ownAddress();
    url = address.PUBLIC_URL;
    service = await TestService.start(address);
    await isReady(service);
  });
  afterAll(() => service.stop());
  beforeEach(() => {
    person = somePerson();
    visitor = new Visitor();
  });

  async function signIn(subject = person, who = visitor): Promise<Shown> {
    service.world.issuer.behaviour = { subject };
    return who.get(`${url}/my/sign-in?to=/my/subscriptions`);
  }
  async function subscribed(subject = person, scope = scopeOf(180)): Promise<string> {
    const { subscription_id: id, position } = await accepted(service, authorizedRequest({ subject, scope }));
    await itemOf(service, id, position);
    return id;
  }
  /** A token for the form of a page that was not shown to this visitor. */
  function tokenFor(path: string, id: string): string {
    const cookie = [...visitor.cookies.get(new URL(url).host)!].map((pair) => pair.join('=')).join('; ');
    const reply = { request: { headers: { cookie } } } as FastifyReply;
    return service.world.app.get(FormTokens).issue(reply, `/my/subscriptions/${id}${path}`);
  }
  const pathOf = (id: string, more = '') => `${url}/my/subscriptions/${id}${more}`;
  const idsOn = ({ text }: Shown) => [...text.matchAll(/href="\/my\/subscriptions\/([^"/]+)"/g)].map(([, id]) => id);
  const statusOf = async (id: string) => (await itemOf(service, id)).status;

  it('name the app, the provider and the data as the lists do, and the end date in both languages', async () => {
    const id = await subscribed();
    await signIn();
    const { text } = await visitor.get(pathOf(id));
    const { end_date: endDate } = (await itemOf(service, id)) as { end_date: string };
    const day = (locale: string) =>
      new Date(endDate).toLocaleDateString(locale, { dateStyle: 'long', timeZone: 'UTC' });
    for (const shown of ['eenofanderezorgaanbieder', day('nl-NL'), day('en-GB'), 'Loopt'])
      expect(text).toContain(shown);
    expect(text).not.toContain(person);
  });

  it('show the own subscriptions and nobody else’s', async () => {
    const [own, other] = [await subscribed(), await subscribed(somePerson())];
    expect(idsOn(await signIn())).toEqual([own]);
    for (const path of ['', '/end', '/re-approve']) {
      const [theirs, nothing] = [
        await visitor.get(pathOf(other, path)),
        await visitor.get(pathOf(`${randomUUID()}.1`, path)),
      ];
      expect([theirs.status, nothing.status]).toEqual([404, 404]);
      expect(withoutReference(theirs.text)).toBe(withoutReference(nothing.text));
    }
    expect((await visitor.get(`${url}/my/subscriptions?after=${other}`)).status).toBe(404);
  });

  it('do nothing with the subscription of somebody else', async () => {
    const other = await subscribed(somePerson());
    await suspend(service, other, 'operator');
    await signIn();
    for (const path of ['/end', '/re-approve']) {
      const token = tokenFor(path, other);
      expect((await visitor.post(pathOf(other, path), { form_token: token })).status).toBe(404);
    }
    expect(await statusOf(other)).toBe('suspended');
  });

  it('take a form only from the browser and for the subscription it was shown for', async () => {
    const [one, two] = [await subscribed(), await subscribed(person, scopeOf(7, 'aanbiederkort'))];
    await signIn();
    const page = await visitor.get(pathOf(one, '/end'));
    const [, token] = /name="form_token"\s+value="([^"]+)"/.exec(page.text)!;
    expect((await visitor.post(pathOf(two, '/end'), { form_token: token! })).status).toBe(403);
    expect((await visitor.post(pathOf(one, '/re-approve'), { form_token: token! })).status).toBe(403);
    expect((await visitor.post(pathOf(one, '/end'), {})).status).toBe(400);
    const thief = new Visitor();
    await signIn(person, thief);
    expect((await thief.post(pathOf(one, '/end'), { form_token: token! })).status).toBe(403);
    expect([await statusOf(one), await statusOf(two)]).toEqual(['active', 'active']);
  });

  it('end a subscription once, however often the button is pressed', async () => {
    const id = await subscribed();
    await signIn();
    const page = await visitor.get(pathOf(id, '/end'));
    const shown = await Promise.all([visitor.press(page, 'Ja, stoppen'), visitor.press(page, 'Ja, stoppen')]);
    for (const { status, text } of shown)
      expect([status, text]).toEqual([200, expect.stringContaining('Dit abonnement is gestopt')]);
    const endings = await rowsOf(
      service,
      `select data->>'reason' as reason from event where type like '%terminated%' and data->>'subscription_id' = $1`,
      [id],
    );
    expect(endings).toEqual([{ reason: 'person' }]);
    expect(shown[0].text).not.toContain('Abonnement stoppen');
  });

  it.each(['provider', 'operator'] as const)('give permission again for what a %s suspended', async (by) => {
    const id = await subscribed();
    await suspend(service, id, by);
    await signIn();
    const shown = await visitor.press(await visitor.get(pathOf(id, '/re-approve')), 'ik geef toestemming');
    expect(shown.text).toContain('Dit abonnement loopt');
    expect(shown.way.map((step) => new URL(step).origin)).toEqual([url]);
    expect(await statusOf(id)).toBe('active');
  });

  it('offer no permission again where only an operator can resume, and can end it all the same', async () => {
    const id = await subscribed();
    await suspendClient(service);
    await signIn();
    const shown = await visitor.get(pathOf(id, '/re-approve'));
    expect(shown.text).toContain('Wij werken nu even niet met deze app');
    expect(shown.text).not.toMatch(/re-approve"/);
    const insisted = await visitor.post(pathOf(id, '/re-approve'), { form_token: tokenFor('/re-approve', id) });
    expect(insisted.text).toContain('Dit abonnement is tijdelijk stopgezet');
    expect(await statusOf(id)).toBe('suspended');
    await visitor.press(await visitor.get(pathOf(id, '/end')), 'Ja, stoppen');
    expect(await statusOf(id)).toBe('terminated');
    await resumeClient(service);
  });

  it('say what has ended and when, also by the date alone', async () => {
    const id = await subscribed(person, scopeOf(1));
    service.world.clock.advance(dayMs);
    await signIn();
    const { text } = await visitor.get(pathOf(id));
    expect(text).toContain('Dit abonnement is afgelopen');
    expect(text).not.toContain('Abonnement stoppen');
    service.world.clock.advance(-dayMs);
  });

  it('come in pages of twenty, newest first, each one once', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 21; count += 1) {
      ids.unshift(await subscribed());
      await service.post('/authorizations', authorizedRequest({ subject: person, scope: scopeOf(0) }));
    }
    const first = await signIn();
    expect(idsOn(first)).toEqual(ids.slice(0, 20));
    const [, next] = /href="(\/my\/subscriptions\?after=[^"]+)"/.exec(first.text)!;
    const second = await visitor.get(`${url}${next}`);
    expect(idsOn(second)).toEqual(ids.slice(20));
    expect(second.text).not.toContain('?after=');
  });

  it('know nothing of a person who never subscribed', async () => {
    expect((await signIn()).text).toContain('U heeft geen abonnementen');
  });

  it.each([
    '/my/sign-in',
    '/my/sign-in?to=https://evil.example/',
    '/my/sign-in?to=//evil.example',
    '/my/sign-in?to=/my/subscriptions/../../evil',
    '/my/sign-in?to=/my/subscriptions&to=/my/subscriptions',
    '/my/subscriptions?x=y',
  ])('lead from %s nowhere', async (path) => {
    const { status, way } = await visitor.get(`${url}${path}`);
    expect([status, way]).toEqual([400, []]);
  });

  it('offer to sign in when nobody is signed in, and say nothing about whether there is anything', async () => {
    const id = await subscribed();
    const shown = await visitor.get(pathOf(id));
    expect([shown.status, shown.text]).toEqual([200, expect.stringContaining('Log in om verder te gaan')]);
    service.world.issuer.behaviour = { subject: person };
    const [, href] = /href="(\/my\/sign-in[^"]+)"/.exec(shown.text)!;
    const after = await visitor.get(`${url}${href!.replaceAll('&amp;', '&')}`);
    expect([after.url, after.text]).toEqual([pathOf(id), expect.stringContaining('Dit abonnement loopt')]);
  });

  it('say that signing in fails for an outage, with a page', async () => {
    service.world.issuer.behaviour = { subject: person, token: 'hang up' };
    const shown = await visitor.get(`${url}/my/sign-in?to=/my/subscriptions`);
    expect([shown.status, shown.text]).toEqual([503, expect.stringContaining('door een storing')]);
  });

  it('leave a line for what was done with which subscription, and not by whom', async () => {
    const id = await subscribed();
    await suspend(service, id, 'provider');
    await signIn();
    await visitor.press(await visitor.get(pathOf(id, '/re-approve')), 'ik geef toestemming');
    await suspendClient(service);
    await visitor.post(pathOf(id, '/re-approve'), { form_token: tokenFor('/re-approve', id) });
    await resumeClient(service);
    await visitor.press(await visitor.get(pathOf(id, '/end')), 'Ja, stoppen');
    const lines = service.world.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ subscription_id: of, by }) => of === id && by === 'person');
    const shared = {
      by: 'person',
      subscription_id: id,
      client_id: 'localhost',
      correlation_id: expect.any(String),
      causation_id: expect.any(String),
    };
    expect(lines).toMatchObject([
      { ...shared, msg: 'subscription.ordered', what: 're_approve', recorded: true, status: 'active' },
      { ...shared, msg: 'subscription.refused', what: 're_approve', error: 'client_suspended' },
      { ...shared, msg: 'subscription.ordered', what: 'end', recorded: true, status: 'terminated' },
    ]);
    const { person_id: personId } = await itemOf(service, id);
    expect(JSON.stringify(lines)).not.toContain(String(personId));
  });

  it('leave no subject in a log line', () => {
    expect(service.world.logLines.join('\n')).not.toMatch(/9999[0-9]{5}/);
  });
});

function withoutReference(text: string): string {
  return text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '');
}
