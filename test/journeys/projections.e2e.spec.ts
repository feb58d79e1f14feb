import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, isReady, itemOf, type Page, type Problem, rowsOf, type Standing } from './walk';

interface Projection {
  name: string;
  version: number;
  position: string;
  lag_events: number;
  lag_s: number;
  rebuild: { version: number; progress: number } | null;
  parked: number;
}
interface Comparison {
  name: string;
  version: number;
  checked: number;
  differing: { subscription_id: string; problem: string; fields: string[] }[];
}

describe('the projections, as operators handle them', () => {
  let service: TestService;
  let standings: Standing[];
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    standings = [await accepted(service), await accepted(service), await accepted(service)];
    await itemOf(service, standings[0]!.subscription_id, standings[2]!.position);
  });
  afterAll(() => service.stop());

  const path = (action: string, name = 'subscriptions') => `/ops/api/projections/${name}/${action}`;
  const act = <Body = Projection & Problem>(action: string, name?: string) =>
    service.post<Body>(path(action, name), undefined, 'ops:write');
  const projection = async () => (await service.get<Page<Projection>>('/ops/api/projections')).body.items[0]!;
  const isLive = (version: number) =>
    eventually(async () => expect(await projection()).toMatchObject({ version, rebuild: null }));
  const asked = (operation: string) =>
    service.world.logLines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter(({ msg, what, outcome }) => msg === 'ops.audit' && what === operation && outcome === 'done');

  it('are listed with where they stand', async () => {
    const { status, body } = await service.get<Page<Projection>>('/ops/api/projections');
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          name: 'subscriptions',
          version: 1,
          position: standings[2]!.position,
          lag_events: 0,
          lag_s: 0,
          rebuild: null,
          parked: 0,
        },
      ],
      next: null,
    });
  });

  it('are rebuilt beside the live version, which then gives way, and can be taken back', async () => {
    const none = await act('switch-back');
    expect([none.status, none.body.code]).toEqual([404, 'not_found']);
    const rebuilt = await act('rebuild');
    expect([rebuilt.status, rebuilt.body]).toEqual([
      202,
      expect.objectContaining({ version: 1, rebuild: { version: 2, progress: 0 } }),
    ]);
    await isLive(2);
    for (const { subscription_id: id } of standings) expect(await itemOf(service, id)).toMatchObject({ version: 1 });
    const later = await accepted(service);
    expect(await itemOf(service, later.subscription_id, later.position)).toMatchObject({ status: 'active' });

    const back = await act('switch-back');
    expect([back.status, back.body.rebuild?.version]).toEqual([202, 1]);
    await isLive(1);
    expect(await itemOf(service, later.subscription_id)).toMatchObject({ status: 'active' });
    standings.push(later);
    for (const [line, version] of [
      ['projection.rebuild', 2],
      ['projection.switch_back', 1],
    ] as const)
      expect(asked(line)).toEqual([
        expect.objectContaining({
          details: { projection: 'subscriptions', version },
          correlation_id: expect.any(String),
        }),
      ]);
  });

  it('are compared with the log on demand', async () => {
    const sound = await act<Comparison>('verify');
    expect([sound.status, sound.body]).toEqual([
      200,
      { name: 'subscriptions', version: 1, position: standings[3]!.position, checked: 4, differing: [] },
    ]);
    const { subscription_id: id } = standings[1]!;
    await rowsOf(service, `update subscription_view set end_date = '2031-01-01' where subscription_id = $1`, [id]);
    const altered = await act<Comparison>('verify');
    expect(altered.body.differing).toEqual([{ subscription_id: id, problem: 'differs', fields: ['end_date'] }]);
    expect((await service.send('GET', '/metrics', {})).text).toMatch(
      /^medmij_projection_differing\{projection="subscriptions"\} 1$/m,
    );
    expect(asked('projection.verify')).toHaveLength(2);
  });

  it('go on being built by the next process when this one stops', async () => {
    await service.restart({ ROLES: 'api' });
    expect((await act('rebuild')).body).toMatchObject({ version: 1, rebuild: { version: 3, progress: 0 } });
    await service.restart({ ROLES: 'api,projector,delivery,relay,scheduler' });
    await isLive(3);
    expect((await act<Comparison>('verify')).body).toMatchObject({ version: 3, checked: 4, differing: [] });
  });

  it('are refused to who has no right to them, by a name that does not exist, and with anything in the request', async () => {
    expect((await service.send('GET', '/ops/api/projections', {})).status).toBe(401);
    expect((await service.get('/ops/api/projections', 'authorizations:write')).status).toBe(403);
    expect((await service.get('/ops/api/projections?limit=1')).status).toBe(400);
    for (const action of ['rebuild', 'switch-back', 'verify']) {
      expect((await service.send('POST', path(action), {})).status).toBe(401);
      expect((await service.post(path(action), undefined, 'ops:read')).status).toBe(403);
      for (const name of ['nothing', 'Subscriptions', '%00', 'subscriptions:0', "'--", 'a'.repeat(1_000)]) {
        const { status, body } = await act(action, name);
        expect([name, status, body.code]).toEqual([name, 404, 'not_found']);
      }
      expect((await service.post(path(action), { version: 1 }, 'ops:write')).status).toBe(400);
      expect((await service.post(`${path(action)}?force=true`, undefined, 'ops:write')).status).toBe(400);
    }
    expect(await projection()).toMatchObject({ version: 3, rebuild: null });
  });
});
