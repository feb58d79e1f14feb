import { appendFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CertifiedKey, createAuthority, issueCertificate } from '../../dev/certificates';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, amsterdamDate, ask, deliveriesOf, isReady, type Problem, rowsOf, scopeOf } from './walk';

const day = 86_400_000;
const minute = 60_000;
const host = 'sample-client.example';
const clientId = 'localhost';
const reason_text = 'its owner has renewed it';

interface Client {
  status: string;
  suspended_reason: string | null;
  position: string | null;
}

describe('the watch over the endpoint of a client', () => {
  let service: TestService;
  let authority: CertifiedKey;
  let other: CertifiedKey;
  let subject: string;
  let subscriptionId: string;
  let shortestDays = 150;
  beforeAll(async () => {
    service = await TestService.start();
    authority = service.world.authority;
    other = await createAuthority('another authority we trust');
    // Long before it is needed: our files are looked at once a second.
    await appendFile(service.world.env.CLIENT_TLS_CA!, `\n${other.certificate}`);
    await isReady(service);
    await service.world.otherSide.follow('medmij.clients.v1');
    subject = somePerson();
    subscriptionId = (await accepted(service, { subject })).subscription_id;
    await found('baseline', 1);
  });
  afterAll(() => service.stop());

  const looks = async (finding: string) => {
    const text = (await service.send('GET', '/metrics', {})).text;
    const [, value] =
      new RegExp(`^medmij_endpoint_looks_total\\{finding="${finding}"\\} (\\d+)$`, 'm').exec(text) ?? [];
    return Number(value ?? 0);
  };
  /** Until this was found once more than `before` times. */
  const found = (finding: string, times: number) =>
    eventually(async () => expect(await looks(finding)).toBeGreaterThanOrEqual(times), 20_000);
  /** Lets the time for the next look come, and waits until the look has found this. */
  const looksAgain = async (finding: string, afterMs: number) => {
    const before = await looks(finding);
    service.world.clock.advance(afterMs);
    await found(finding, before + 1);
  };
  const show = async (certificate: CertifiedKey) => {
    await service.world.dvp.stop();
    await service.world.dvp.start(certificate);
  };
  const certificate = (wish: { by?: CertifiedKey; name?: string; expired?: boolean } = {}) =>
    issueCertificate(wish.by ?? authority, {
      commonName: host,
      names: [wish.name ?? host],
      usages: ['server'],
      ...(wish.expired && { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) }),
    });
  const client = async () => (await service.get<Client & Record<string, unknown>>(`/ops/api/clients/${clientId}`)).body;
  const resume = () =>
    service.post<Client & Problem>(`/ops/api/clients/${clientId}/resume`, { reason_text }, 'ops:write');
  const clientEvents = () =>
    service.world.otherSide.seen.filter(({ topic }) => topic.endsWith('medmij.clients.v1')).map(({ value }) => value);
  const lines = (finding: string) =>
    service.world.logLines.filter(
      (line) => line.includes('endpoint.looked_at') && line.includes(`"kind":"${finding}"`),
    );

  it('begins with what it shows at the first authorization', async () => {
    const rows = await rowsOf(service, 'select client_id, origin, names, issuer from watched_endpoint');
    expect(rows).toEqual([
      {
        client_id: clientId,
        origin: `https://${host}`,
        names: [host],
        issuer: expect.stringContaining('test authority'),
      },
    ]);
  });

  it('finds nothing in a renewal under the same names', async () => {
    await show(await certificate());
    await looksAgain('as_before', 20 * minute);
    expect(await looks('changed')).toBe(0);
  });

  it('finds nothing in a client that is away, however long that lasts', async () => {
    await service.world.dvp.stop();
    for (let look = 0; look < 4; look += 1) await looksAgain('unreachable', 20 * minute);
    expect(await client()).toMatchObject({ status: 'active' });
    await service.world.dvp.start();
    await looksAgain('as_before', 20 * minute);
  });

  it('reports another issuer under a valid name once, and suspends nobody', async () => {
    await show(await certificate({ by: other }));
    await looksAgain('changed', 20 * minute);
    await looksAgain('changed', 20 * minute);
    const news = lines('changed').filter((line) => JSON.parse(line).level >= 40 || JSON.parse(line).level === 'warn');
    expect(news).toHaveLength(1);
    expect(JSON.parse(news[0]!)).toMatchObject({ client_id: clientId, changes: ['issuer'], isNew: true });
    expect(await client()).toMatchObject({ status: 'active' });
    await show(await certificate());
    await looksAgain('as_before', 20 * minute);
  });

  it.each([
    ['expired', () => certificate({ expired: true })],
    ['for another name', () => certificate({ name: 'elsewhere.example' })],
    ['of an authority we do not know', async () => certificate({ by: await createAuthority('stranger') })],
  ] as const)(
    'suspends the client whose certificate is %s at two looks, and an operator resumes it after a good one',
    async (_, make) => {
      const { dvp } = service.world;
      const events = clientEvents().length;
      await show(await make());
      await looksAgain('doubtful', 20 * minute);
      expect(await client()).toMatchObject({ status: 'active' });
      await looksAgain('bad', 6 * minute);
      expect(await client()).toMatchObject({ status: 'suspended', suspended_reason: 'endpoint_identity' });
      await eventually(() => expect(clientEvents()).toHaveLength(events + 1));
      expect(JSON.parse(clientEvents().at(-1)!)).toEqual({ client_id: clientId, reason: 'endpoint_identity' });
      const refused = await ask(service, { scope: scopeOf(30) });
      expect([refused.status, refused.body.code]).toEqual([422, 'client_suspended']);
      // Shortenings still go through, and what is to be told of them waits.
      const told = dvp.of(subscriptionId).length;
      const days = [(shortestDays -= 10), (shortestDays -= 10)];
      for (const count of days) await accepted(service, { subject, scope: scopeOf(count) });
      const early = await resume();
      expect([early.status, early.body.code]).toEqual([409, 'probe_failed']);
      expect(await client()).toMatchObject({ status: 'suspended' });
      await show(await certificate());
      const resumed = await resume();
      expect([resumed.status, resumed.body.status]).toEqual([200, 'active']);
      // Not by its place: both were planned in the same moment.
      const newest = expect.objectContaining({ state: 'delivered', end_date: endDate(days.at(-1)!) });
      await eventually(async () => expect(await deliveriesOf(service, subscriptionId)).toContainEqual(newest));
      const since = dvp.of(subscriptionId).slice(told);
      expect(since.at(-1)!.body.end_date).toBe(endDate(days.at(-1)!));
    },
  );

  const endDate = (days: number) => amsterdamDate(service.world.clock.now(), days);

  it('suspends for another issuer as well where the policy says so', async () => {
    await service.restart({ ENDPOINT_CHANGE_POLICY: 'suspend' });
    await show(await certificate({ by: other }));
    await looksAgain('doubtful', 20 * minute);
    await looksAgain('bad', 6 * minute);
    expect(await client()).toMatchObject({ status: 'suspended', suspended_reason: 'endpoint_identity' });
    // What it shows at the resumption is what it is known by from then on.
    expect((await resume()).status).toBe(200);
    await looksAgain('as_before', 20 * minute);
  });

  it('looks at nobody and says why while we have no certificate; a resumption has to wait as well', async () => {
    const now = Date.now();
    const past = { notBefore: new Date(now - 9 * day), notAfter: new Date(now - day) };
    const expired = await issueCertificate(authority, { commonName: 'us', usages: ['client'], ...past });
    await writeFile(service.world.env.CLIENT_TLS_KEY!, expired.key);
    await writeFile(service.world.env.CLIENT_TLS_CERT!, expired.certificate);
    await eventually(async () => {
      const { body } = await service.get<{ checks: Record<string, { status: string; reason?: string }> }>(
        '/health/ready',
      );
      expect(body.checks.endpoint_watch).toEqual({
        status: 'degraded',
        reason: expect.stringMatching(/no endpoint is looked at: our client certificate has expired/),
      });
      expect(body.checks.delivery).toEqual({ status: 'degraded', reason: expect.stringMatching(/has expired/) });
    });
    const held = await resume();
    expect([held.status, held.body.code]).toEqual([503, 'unavailable']);
  });
});
