import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import {
  accepted,
  deliveriesOf,
  historyOf,
  isReady,
  itemOf,
  type Page,
  type Problem,
  rowsOf,
  type Standing,
} from './walk';

interface Parked {
  id: string;
  reader: string;
  stream_id: string;
  subscription_id: string | null;
  version: number;
  position: string;
  error: string;
  tries: number;
  parked_at: string;
  replay_asked_at: string | null;
}
interface Ready {
  status: string;
  checks: Record<string, { status: string; reason?: string }>;
}

describe('a poisoned event', () => {
  let service: TestService;
  let lame: Standing;
  let strange: Standing;
  let sound: Standing;
  const streamOf = ({ subscription_id: id }: Standing) => id.split('.')[0]!;
  const parked = async () => (await service.get<Page<Parked>>('/ops/api/parked')).body.items;
  const byStream = async (standing: Standing) =>
    (await parked())
      .filter(({ stream_id: id }) => id === streamOf(standing))
      .sort((a, b) => (a.reader < b.reader ? -1 : 1));
  const replayAll = async (standing: Standing) => {
    for (const { id } of await byStream(standing))
      expect((await service.post(`/ops/api/parked/${id}/replay`, undefined, 'ops:write')).status).toBe(202);
  };
  const metric = async (text: string) =>
    [
      ...(await service.send('GET', '/metrics', {})).text.matchAll(
        /^medmij_parked_streams\{reader="([^"]+)"\} (\d+)$/gm,
      ),
    ]
      .filter(([, reader]) => reader!.includes(text))
      .map(([, , count]) => Number(count));

  beforeAll(async () => {
    // Nobody reads while the events are made what no code of ours would make them.
    service = await TestService.start({ ROLES: 'api' });
    lame = await accepted(service);
    strange = await accepted(service);
    sound = await accepted(service);
    await rowsOf(service, `update event set data = data - 'client_id' where stream_id = $1`, [streamOf(lame)]);
    await rowsOf(service, `update event set type = 'nl.medmij.subscription.started.v99' where stream_id = $1`, [
      streamOf(strange),
    ]);
    await service.restart({ ROLES: 'api,projector,delivery,relay,scheduler' });
    await eventually(async () => expect(await parked()).toHaveLength(4));
  });
  afterAll(() => service.stop());

  it('parks its own stream at each reader that cannot take it, and every other one goes on', async () => {
    expect(await itemOf(service, sound.subscription_id, sound.position)).toMatchObject({ status: 'active' });
    await eventually(() => expect(service.world.dvp.of(sound.subscription_id)).toHaveLength(1));
    const later = await accepted(service);
    expect(await itemOf(service, later.subscription_id, later.position)).toMatchObject({ status: 'active' });
    await eventually(() => expect(service.world.dvp.of(later.subscription_id)).toHaveLength(1));

    expect(await byStream(lame)).toEqual(
      [expect.stringMatching(/^planner$/), expect.stringMatching(/^projection:subscriptions/)].map((reader) => ({
        id: expect.any(String),
        reader,
        stream_id: streamOf(lame),
        subscription_id: lame.subscription_id,
        version: 1,
        position: lame.position,
        error: expect.stringMatching(/client_id/),
        tries: 1,
        parked_at: expect.stringMatching(/Z$/),
        replay_asked_at: null,
      })),
    );
    expect((await byStream(strange)).map(({ error }) => error)).toEqual(
      Array(2).fill('The event type nl.medmij.subscription.started.v99 is not known here.'),
    );
    expect((await service.get(`/ops/api/subscriptions/${lame.subscription_id}`)).status).toBe(404);
  });

  it('is told in readiness, metrics and the log', async () => {
    const { status, body } = await service.send<Ready>('GET', '/health/ready', {});
    expect([status, body.status]).toEqual([200, 'degraded']);
    for (const name of ['planner', 'projections'])
      expect(body.checks[name]).toEqual({ status: 'degraded', reason: expect.stringMatching(/2 stream.*parked/) });
    expect([await metric('planner'), await metric('projection:subscriptions')]).toEqual([[2], [2]]);
    const lines = service.world.logLines.filter((line) => line.includes('log.stream.parked'));
    expect(lines).toHaveLength(4);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: 'error', reader: expect.any(String), version: 1 });
  });

  it('is listed page by page', async () => {
    const first = await service.get<Page<Parked>>('/ops/api/parked?limit=3');
    const rest = await service.get<Page<Parked>>(`/ops/api/parked?limit=3&after=${first.body.next}`);
    expect(rest.body.next).toBeNull();
    expect([...first.body.items, ...rest.body.items]).toEqual(await parked());
  });

  it('is tried again on demand, and stays parked while it is what it was', async () => {
    await replayAll(strange);
    await eventually(async () =>
      expect((await byStream(strange)).map(({ tries, replay_asked_at: asked }) => [tries, asked])).toEqual([
        [2, null],
        [2, null],
      ]),
    );
  });

  it('comes through once it has been mended, as if nothing had happened', async () => {
    await rowsOf(service, `update event set data = data || '{"client_id":"localhost"}' where stream_id = $1`, [
      streamOf(lame),
    ]);
    await rowsOf(service, `update event set type = 'nl.medmij.subscription.started.v1' where stream_id = $1`, [
      streamOf(strange),
    ]);
    for (const standing of [lame, strange]) {
      await replayAll(standing);
      const id = standing.subscription_id;
      await eventually(async () => expect(await byStream(standing)).toEqual([]));
      expect(await itemOf(service, id)).toMatchObject({ status: 'active', version: 1, client_id: 'localhost' });
      expect(await historyOf(service, id)).toHaveLength(1);
      await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
      expect(await deliveriesOf(service, id)).toHaveLength(1);
    }
    await isReady(service);
    expect([await metric('planner'), await metric('projection:subscriptions')]).toEqual([[], []]);
    const asked = service.world.logLines.filter((line) => line.includes('parked.replay'));
    expect(asked).toHaveLength(6);
    expect(JSON.parse(asked[0]!)).toMatchObject({
      details: { parked_id: expect.any(String) },
      correlation_id: expect.any(String),
    });
  });

  it('is nobody’s business without the right token', async () => {
    const path = `/ops/api/parked/${crypto.randomUUID()}/replay`;
    expect((await service.send('GET', '/ops/api/parked', {})).status).toBe(401);
    expect((await service.send('POST', path, {})).status).toBe(401);
    expect((await service.get('/ops/api/parked', 'authorizations:write')).status).toBe(403);
    expect((await service.post(path, undefined, 'ops:read')).status).toBe(403);
    const missing = await service.post<Problem>(path, undefined, 'ops:write');
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found']);
  });
});
