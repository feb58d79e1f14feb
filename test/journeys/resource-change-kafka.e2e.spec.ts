import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import type { SeenRecord } from '../support/kafka';
import { binary, type Sent } from './records';
import { accepted, isReady, type Page, type Problem, rowsOf } from './walk';

const incoming = 'medmij.resource-changes.v1';
const type = 'nl.medmij.resource.changed.v1';

interface DeadLetter {
  dead_letter_id: string;
  topic: string;
  partition: number;
  offset: string;
  reason: string;
  detail: string;
}

describe('a resource change that comes in over Kafka', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
    await service.world.otherSide.follow(
      'medmij.subscriptions.v1',
      'medmij.clients.v1',
      'medmij.dead-letters.v1',
      incoming,
    );
  });
  afterAll(() => service.stop());

  const change = (given: Record<string, unknown> = {}) => ({
    change_id: randomUUID(),
    subject: somePerson(),
    provider: 'eenofanderezorgaanbieder',
    service_id: '42',
    available_at: service.world.clock.now().toISOString(),
    ...given,
  });
  const record = (body: unknown, headers = {}): Sent => binary(body, { ce_type: type, ...headers });
  const send = (...records: Sent[]) => service.world.otherSide.send(incoming, ...records);
  const seenOn = (topic: string, key: string | null): SeenRecord[] =>
    service.world.otherSide.seen.filter((it) => it.topic === topic && it.key === key);
  const resourcesOf = (id: string) =>
    service.world.dvp.of(id).filter(({ body }) => body.notification_type === 'resource');
  const subscribed = (subject: string) => accepted(service, { subject }).then(({ subscription_id: id }) => id);
  /** The dead letter of a record that was sent. */
  const letterOf = ({ key }: Sent) =>
    eventually(async () => {
      const places = seenOn(incoming, key).map(({ partition, offset }) => `${partition} ${offset}`);
      const { body } = await service.get<Page<DeadLetter>>('/ops/api/dead-letters?limit=500');
      const found = body.items.find((it) => it.topic === incoming && places.includes(`${it.partition} ${it.offset}`));
      expect(found).toBeDefined();
      return found!;
    });

  it('is told as one that came over HTTP, in binary and in structured mode', async () => {
    const [one, other] = [change(), change()];
    const ids = [await subscribed(one.subject), await subscribed(other.subject)];
    const structured = {
      key: randomUUID(),
      headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
      value: JSON.stringify({ specversion: '1.0', id: randomUUID(), source: 'urn:lab', type, data: other }),
    };
    await send(record(one, { ce_correlationid: 'from-the-lab' }), structured);
    await eventually(() => {
      for (const id of ids) expect(resourcesOf(id)).toHaveLength(1);
    });
    expect(resourcesOf(ids[0]!)[0]!.headers['x-correlation-id']).toBe('from-the-lab');
  });

  it('is the same change as one by that id over HTTP', async () => {
    const body = change();
    const id = await subscribed(body.subject);
    const answer = await service.post('/resource-changes', body, 'resource-changes:write');
    expect([answer.status, answer.body]).toEqual([202, { notifications: 1 }]);
    const conflict = record({ ...body, available_at: new Date(0).toISOString() });
    await send(record(body), conflict);
    expect(await letterOf(conflict)).toMatchObject({ reason: 'change_conflict' });
    const behind = change();
    const behindId = await subscribed(behind.subject);
    await send(record(behind));
    await eventually(() => expect(resourcesOf(behindId)).toHaveLength(1));
    expect(resourcesOf(id)).toHaveLength(1);
  });

  it('goes to the dead letters whole when it is refused, and holds up nobody', async () => {
    const subject = somePerson();
    const bad: [Sent, string][] = [
      [record(change({ subject, service_id: 'none' })), 'unknown_service'],
      [record(change({ subject, provider: 'onbekend' })), 'unknown_provider'],
      [record(change({ subject, available_at: '2099-01-01T00:00:00Z' })), 'authorization_stale'],
      [record({ ...change({ subject }), [subject]: 1 }), 'malformed_request'],
      [record(change({ subject }), { ce_type: 'nl.medmij.authorization.granted.v1' }), 'malformed_request'],
    ];
    await send(...bad.map(([sent]) => sent));
    for (const [sent, code] of bad) {
      const letter = await letterOf(sent);
      expect(letter).toMatchObject({ topic: incoming, reason: code });
      expect(letter.detail).not.toContain(subject);
      const [published] = await eventually(() => {
        const found = seenOn('medmij.dead-letters.v1', sent.key);
        expect(found).toHaveLength(1);
        return found;
      });
      expect(published!.value).toBe(sent.value);
      expect(published!.headers).toMatchObject({ 'x-dead-letter-reason': code, 'x-dead-letter-topic': incoming });
    }
    const good = change();
    const id = await subscribed(good.subject);
    await send(record(good));
    await eventually(() => expect(resourcesOf(id)).toHaveLength(1));
  });

  it('that was refused is told when an operator replays it after its cause is gone', async () => {
    const body = change({ available_at: new Date(service.world.clock.now().getTime() + 600_000).toISOString() });
    const id = await subscribed(body.subject);
    const early = record(body);
    await send(early);
    const { dead_letter_id: letter } = await letterOf(early);
    service.world.clock.advance(600_000);
    const answer = await service.post<Problem>(`/ops/api/dead-letters/${letter}/replay`, undefined, 'ops:write');
    expect(answer.status).toBe(202);
    await eventually(() => expect(resourcesOf(id)).toHaveLength(1));
    service.world.clock.advance(-600_000);
  });

  it('waits while nobody takes it in, and is told once after a restart', async () => {
    const body = change();
    const id = await subscribed(body.subject);
    await service.restart({ ROLES: 'relay,projector,delivery,scheduler' });
    await send(record(body));
    await service.restart({ ROLES: 'api,relay,projector,delivery,scheduler' });
    await eventually(() => expect(resourcesOf(id)).toHaveLength(1));
    const offsets = await rowsOf<{ next: string }>(
      service,
      `select sum(next_offset)::text as next from consumer_offset where topic = $1`,
      [incoming],
    );
    expect(Number(offsets[0]!.next)).toBeGreaterThan(0);
  });

  it('leaves no word about the person on an outgoing topic or in the log', async () => {
    const body = change();
    const id = await subscribed(body.subject);
    await send(record(body));
    await eventually(() => expect(resourcesOf(id)).toHaveLength(1));
    await eventually(() => expect(seenOn('medmij.subscriptions.v1', id.slice(0, id.indexOf('.')))).toHaveLength(1));
    const outgoing = service.world.otherSide.seen.filter(({ topic }) => topic !== incoming);
    expect(JSON.stringify(outgoing)).not.toContain(body.subject);
    expect(service.world.logLines.join('')).not.toContain(body.subject);
    expect(service.world.logLines.some((line) => line.includes('resource_change.accepted'))).toBe(true);
  });
});
