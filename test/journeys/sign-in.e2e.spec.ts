import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ownAddress, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { isReady, rowsOf } from './walk';

interface Ready {
  status: string;
  checks: Record<string, { status: string; reason?: string }>;
}

describe('the service and the issuer of persons', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start(await ownAddress());
    await isReady(service);
  });
  afterAll(() => service.stop());

  const ready = async () => (await service.send<Ready>('GET', '/health/ready', {})).body;

  it('starts without it, says so, and goes on doing everything else', async () => {
    await service.world.issuer.stop();
    await service.restart();
    await eventually(async () => {
      const { status, checks } = await ready();
      expect([status, checks.sign_in]).toEqual([
        'degraded',
        { status: 'degraded', reason: expect.stringContaining('The issuer is away') },
      ]);
      expect(Object.entries(checks).filter(([, check]) => check.status !== 'ok')).toHaveLength(1);
    });
    await service.world.issuer.start();
    await isReady(service);
  });

  it('misses none in development, where it comes with the sample client', async () => {
    await service.world.issuer.stop();
    await service.restart({ OIDC_ISSUER: '' });
    await isReady(service);
    await service.world.issuer.start();
    await service.restart({ OIDC_ISSUER: service.world.issuer.url });
  });

  it('forgets by itself the sign-ins that nobody finished', async () => {
    const begin = (minutesAgo: number) =>
      rowsOf(
        service,
        `insert into sign_in values (sha256($1::bytea), '', 'person', '/', '', '', now() - make_interval(mins => $2))`,
        [String(minutesAgo), minutesAgo],
      );
    await begin(16);
    await begin(14);
    await service.restart();
    await eventually(async () => expect(await rowsOf(service, 'select 1 from sign_in')).toHaveLength(1));
    expect((await ready()).checks.sign_in_sweep).toEqual({ status: 'ok' });
  });

  it('shows a page to a browser that comes back without a sign-in', async () => {
    const answer = await service.send('GET', '/sign-in/callback?code=x&state=y', {});
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    expect(service.world.logLines.join('\n')).not.toContain('state=y');
  });

  it('serves the sheet of its pages for ever under its present name, and shortly under another', async () => {
    const { text } = await service.send('GET', '/sign-in/callback', {});
    const [, path] = /href="(\/screens\/page-[0-9a-f]{16}\.css)"/.exec(text)!;
    const sheet = await service.send('GET', path!, {});
    expect([sheet.status, sheet.headers.get('content-type'), sheet.headers.get('cache-control')]).toEqual([
      200,
      'text/css; charset=utf-8',
      'public, max-age=31536000, immutable',
    ]);
    const other = await service.send('GET', '/screens/page-0123456789abcdef.css', {});
    expect([other.status, other.headers.get('cache-control'), other.text]).toEqual([200, 'no-store', sheet.text]);
    expect((await service.send('GET', '/screens/page-x.css', {})).status).toBe(404);
    expect((await service.send('GET', `${path}?x=1`, {})).status).toBe(400);
  });
});
