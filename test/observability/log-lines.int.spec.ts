import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, isReady } from '../journeys/walk';

interface Line {
  msg: string;
  [field: string]: unknown;
}

describe('the log has one line for each unit of work', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ LOG_LEVEL: 'info' });
    await isReady(service);
  });
  afterAll(() => service.stop());

  const lines = (msg: string, ...which: ((line: Line) => boolean)[]) =>
    service.world.logLines
      .map((text) => JSON.parse(text) as Line)
      .filter((line) => line.msg === msg && which.every((isMeant) => isMeant(line)));

  it('with its ids and its duration, and none twice', async () => {
    const { subscription_id: id } = await accepted(service);
    await eventually(() => expect(lines('delivery.attempted', (line) => line.subscription_id === id)).toHaveLength(1));
    const readers = ['relay', 'planner'];
    await eventually(() =>
      expect(lines('log.page.read').map(({ reader }) => reader)).toEqual(expect.arrayContaining(readers)),
    );

    const requests = lines('request.answered', ({ route }) => route === '/authorizations');
    expect(requests).toEqual([
      expect.objectContaining({ method: 'POST', status: 201, duration_ms: expect.any(Number) }),
    ]);
    const [{ correlation_id }] = requests as [Line];
    expect(correlation_id).toEqual(expect.any(String));

    const batches = lines('commands.carried_out', ({ correlation_ids }) =>
      (correlation_ids as unknown[]).includes(correlation_id),
    );
    expect(batches).toEqual([
      expect.objectContaining({
        commands: 1,
        again: 0,
        duration_ms: expect.any(Number),
        waited_ms: expect.any(Number),
      }),
    ]);
    for (const reader of readers) {
      const pages = lines('log.page.read', (line) => line.reader === reader);
      expect([reader, pages]).toEqual([
        reader,
        [
          expect.objectContaining({
            events: 1,
            after: expect.any(String),
            position: expect.any(String),
            read_ms: expect.any(Number),
            duration_ms: expect.any(Number),
          }),
        ],
      ]);
    }
    expect(lines('delivery.attempted', (line) => line.correlation_id === correlation_id)).toEqual([
      expect.objectContaining({ outcome: 'delivered', attempt: 1, status: 204, duration_ms: expect.any(Number) }),
    ]);
  });

  it('for a record of Kafka too, refused or not', async () => {
    const { otherSide } = service.world;
    await otherSide.send('medmij.authorizations.v1', { key: null, value: 'nonsense', headers: {} });
    await eventually(() =>
      expect(lines('intake.refused')).toEqual([
        expect.objectContaining({
          code: 'malformed_request',
          partition: expect.any(Number),
          duration_ms: expect.any(Number),
        }),
      ]),
    );
    expect(lines('intake.accepted')).toEqual([]);
  });
});
