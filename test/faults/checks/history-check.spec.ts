import { describe, expect, it } from '@jest/globals';
import { HistoryCheck } from './history-check';
import type { ReaderStep } from './lease-check';
import { digestOf, type LoggedEvent } from './log-history';
import type { PublishedRecord } from './published-check';
import type { CarriedOut, Acknowledged } from './request-check';
import type { Notification } from './told-check';
import type { ViewRow } from './view-check';
import type { Written } from './writer-check';

const streams = ['a', 'b', 'c'];
const moment = new Date('2026-01-02T11:00:00Z');
const limits = { page: 4, tries: 1, brokerFaults: 0 };

/** Everything both sides saw of a run in which nothing went wrong; a test spoils one thing of it. */
interface Seen {
  log: LoggedEvent[];
  carriedOut: CarriedOut[];
  acknowledged: Acknowledged[];
  tried: string[];
  refused: [id: string, code: string][];
  received: [id: string, place: string][];
  buried: [id: string, place: string, code: string][];
  written: Written[];
  takeovers: string[];
  published: PublishedRecord[];
  view: ViewRow[];
  rebuilt: ViewRow[];
  notified: Notification[];
  superseded: string[];
  steps: ReaderStep[];
  effects: string[];
}

const position = (place: number) => String(place).padStart(4, '0');

/** Three streams, each of a start, two adjustments and an ending, one after the other in the log. */
function soundRun(): Seen {
  const types = ['started', 'adjusted', 'adjusted', 'terminated'];
  const log = types.flatMap((type, index) =>
    streams.map((stream, nth): LoggedEvent => {
      const request = `${stream}-${index + 1}`;
      return {
        position: position(index * streams.length + nth + 1),
        stream,
        version: index + 1,
        id: `event ${request}`,
        type: `nl.medmij.subscription.${type}.v1`,
        correlation: request,
        occurredAt: moment,
        data: {
          subscription_id: `${stream}.1`,
          client_id: 'app.example',
          provider: 'provider',
          service_id: '42',
          person_id: `person of ${stream}`,
          end_date: `2026-07-0${index + 1}`,
          interface_version: '3.0.0',
          authorization_id: request,
          ...(type === 'terminated' && { reason: 'person' }),
        },
      };
    }),
  );
  const last = log.slice(-streams.length);
  const view = last.map(({ data, stream, version }): ViewRow => ({
    subscription_id: data.subscription_id,
    stream_id: stream,
    client_id: data.client_id,
    provider: data.provider,
    service_id: data.service_id,
    person_id: data.person_id,
    end_date: data.end_date,
    interface_version: data.interface_version,
    version,
    started_at: moment,
    updated_at: moment,
    status: 'terminated',
    end_reason: 'person',
    suspended_by: null,
  }));
  const step = (kind: 'took' | 'moved', fence: bigint, place: number, process: string): ReaderStep => ({
    reader: 'relay',
    kind,
    fence,
    process,
    position: position(place),
    transaction: `${kind} ${place}`,
    atMs: 1000 * place,
  });
  return {
    log,
    carriedOut: log.map(({ correlation: id, stream, version }) => ({ id, stream, version })),
    acknowledged: log.map((event) => ({
      id: event.correlation,
      status: 201,
      standing: {
        subscription_id: event.data.subscription_id,
        version: event.version,
        end_date: event.data.end_date,
        position: event.position,
      },
    })),
    tried: [],
    refused: [['late', 'authorization_stale']],
    received: [
      ['a-1', '0:0'],
      ['bad', '0:1'],
    ],
    buried: [['bad', '0:1', 'unknown_client']],
    written: [
      { token: 'b-1', stream: 'b', after: 0, count: 1, outcome: 'committed' },
      { token: 'gone', stream: 'b', after: 1, count: 1, outcome: 'rolled back' },
      { token: 'nobody knows', stream: 'b', after: 1, count: 2, outcome: 'unknown' },
    ],
    takeovers: [position(0), position(6)],
    published: log.map((event, offset) => ({
      stream: event.stream,
      version: event.version,
      id: event.id,
      partition: streams.indexOf(event.stream),
      offset: String(offset),
      digest: digestOf(JSON.stringify(event.data)),
    })),
    view,
    rebuilt: view.map((row) => ({ ...row })),
    notified: log.map(({ data, correlation }) => ({
      subscription: data.subscription_id,
      endDate: data.end_date,
      correlation,
    })),
    superseded: [],
    steps: [
      step('took', 1n, 0, 'one'),
      step('moved', 1n, 6, 'one'),
      step('took', 2n, 6, 'two'),
      step('moved', 2n, 12, 'two'),
    ],
    effects: ['moved 6', 'moved 12'],
  };
}

function judged(seen: Seen) {
  const check = new HistoryCheck();
  for (const event of seen.log) check.logged(event);
  for (const command of seen.carriedOut) check.requests.carried(command);
  for (const answer of seen.acknowledged) check.requests.acknowledge(answer);
  for (const id of seen.tried) check.requests.tried(id);
  for (const [id, code] of seen.refused) check.requests.refuse(id, code);
  for (const [id, place] of seen.received) check.requests.receive(id, place);
  for (const [id, place, code] of seen.buried) check.requests.bury(id, place, code);
  for (const written of seen.written) check.writers.add(written);
  for (const place of seen.takeovers) check.published.takeover(place);
  for (const record of seen.published) check.published.add(record);
  for (const row of seen.view) check.view.row(row);
  check.view.end();
  for (const row of seen.rebuilt) check.view.row(row);
  check.view.end();
  for (const notification of seen.notified) check.told.notified(notification);
  for (const id of seen.superseded) check.told.supersede(id);
  for (const step of seen.steps) check.leases.add(step);
  for (const transaction of seen.effects) check.leases.effect({ reader: 'relay', transaction, table: 'view' });
  return { check, ...check.violations(limits) };
}

/** The properties found broken after one thing was spoiled. */
function brokenBy(spoil: (seen: Seen) => void): string[] {
  const seen = soundRun();
  spoil(seen);
  return [...new Set(judged(seen).list.map(({ property }) => property))];
}

/** The one element that the test means. */
function the<Item>(items: Item[], isMeant: (item: Item) => boolean): Item {
  const found = items.find(isMeant);
  if (found === undefined) throw new Error('the test means something that is not there');
  return found;
}

function swap<Item>(items: Item[], first: number, second: number): void {
  [items[first], items[second]] = [items[second]!, items[first]!];
}

const without = <Item>(items: Item[], isMeant: (item: Item) => boolean) =>
  void items.splice(items.indexOf(the(items, isMeant)), 1);

describe('the check of a run under faults', () => {
  it('finds nothing wrong with a sound one', () => {
    const { list, count } = judged(soundRun());
    expect({ list, count }).toEqual({ list: [], count: 0 });
  });

  describe('of the log', () => {
    it('catches a removed order guard: a later version that stands before an earlier one', () => {
      const broken = brokenBy(({ log }) => {
        const [first, second] = [log[0]!, log[3]!];
        [first.position, second.position] = [second.position, first.position];
        swap(log, 0, 3);
      });
      expect(broken).toContain('stream in order');
    });

    it('catches a lost event', () => {
      const broken = brokenBy(({ log }) => without(log, ({ correlation }) => correlation === 'a-2'));
      expect(broken).toEqual(expect.arrayContaining(['stream in order', 'acknowledged is in the log']));
    });

    it('catches a reader that goes back', () => {
      expect(brokenBy(({ log }) => swap(log, 1, 2))).toContain('log in order');
    });

    it('catches a request that took effect twice', () => {
      const broken = brokenBy(({ log }) => {
        log.push({ ...log[11]!, position: position(13), version: 5, id: 'event again' });
      });
      expect(broken).toContain('carried out once');
    });

    it.each([
      ['a committed append that is missing', 'committed is in the log', { token: 'x', outcome: 'committed' as const }],
      ['one rolled back that is there', 'rolled back is gone', { token: 'b-1', outcome: 'rolled back' as const }],
      [
        'a half of one of which nobody had an answer',
        'all or nothing',
        { token: 'b-1', outcome: 'unknown' as const, count: 2 },
      ],
    ])('catches %s', (_, property, written) => {
      const append = { stream: 'b', after: 0, count: 1, ...written };
      expect(brokenBy((seen) => seen.written.push(append))).toContain(property);
    });
  });

  describe('of requests', () => {
    it('catches an acknowledged one that is nowhere', () => {
      expect(brokenBy(({ carriedOut }) => without(carriedOut, ({ id }) => id === 'b-3'))).toEqual([
        'acknowledged is in the log',
      ]);
    });

    it('catches an answer that names another place than the log', () => {
      expect(brokenBy(({ acknowledged }) => (acknowledged[4]!.standing.position = position(9)))).toEqual([
        'acknowledged is in the log',
      ]);
    });

    it('catches a refused one that took effect', () => {
      expect(brokenBy(({ refused }) => refused.push(['a-1', 'authorization_stale']))).toEqual(['refused is refused']);
    });

    it('catches one that came too early and took effect all the same, unless it was handed in again', () => {
      expect(brokenBy(({ refused }) => refused.push(['a-1', 'not_subscribed']))).toEqual(['refused is refused']);
      const again = ({ refused, tried }: Seen) => {
        refused.push(['a-1', 'not_subscribed']);
        tried.push('a-1', 'a-1');
      };
      expect(brokenBy(again)).toEqual([]);
      const unlisted = ({ refused, tried }: Seen) => {
        refused.push(['a-1', 'unknown_client']);
        tried.push('a-1', 'a-1');
      };
      expect(brokenBy(unlisted)).toEqual(['refused is refused']);
    });

    it('catches an outage that was handed out as a refusal', () => {
      expect(brokenBy(({ refused }) => refused.push(['other', 'internal_error']))).toEqual(['an outage is no answer']);
      expect(brokenBy(({ buried }) => (buried[0]![2] = 'internal_error'))).toEqual(['an outage is no answer']);
    });

    it('catches a record that was neither carried out nor buried, and one that was both', () => {
      expect(brokenBy(({ received }) => received.push(['skipped', '0:2']))).toEqual(['every record has an outcome']);
      expect(brokenBy(({ buried }) => buried.push(['a-1', '0:0', 'authorization_stale']))).toEqual([
        'one outcome a record',
      ]);
    });

    it('catches a dead letter that names the place of another record', () => {
      expect(brokenBy(({ buried }) => (buried[0]![1] = '0:0'))).toContain('dead letters tell the truth');
    });
  });

  describe('of Kafka', () => {
    it('catches a lost record', () => {
      expect(brokenBy(({ published }) => without(published, ({ id }) => id === 'event c-4'))).toEqual([
        'nothing is lost on Kafka',
      ]);
    });

    it('catches a swapped pair of one stream, and lets two streams change places', () => {
      expect(brokenBy(({ published }) => swap(published, 3, 6))).toEqual(['Kafka in order']);
      expect(brokenBy(({ published }) => swap(published, 3, 4))).toEqual([]);
    });

    it('catches a record that says something else than the event', () => {
      expect(brokenBy(({ published }) => (published[3]!.digest = digestOf('{}')))).toEqual(['Kafka tells the log']);
    });

    it('catches a record of no event', () => {
      expect(brokenBy(({ published }) => published.push({ ...published[0]!, id: 'event x' }))).toEqual([
        'Kafka tells the log',
      ]);
    });

    it('catches a stream that changed its partition', () => {
      expect(brokenBy(({ published }) => (published[9]!.partition = 7))).toEqual(['one partition a stream']);
    });

    it('lets a page that was in flight at a takeover come again, and no more than that', () => {
      // The second holder took over at 6: the events 7 to 10 may have been published by the first.
      const again = (count: number, times = 1) =>
        brokenBy(({ published }) => {
          const page = published.slice(6, 6 + count);
          for (let time = 0; time < times; time += 1) published.push(...page);
        });
      expect(again(4)).toEqual([]);
      expect(again(5)).toEqual(['repeats were in flight']);
      expect(again(4, 2)).toEqual(['repeats were in flight']);
    });

    it('catches a repeat that no takeover explains', () => {
      expect(brokenBy(({ published }) => published.push({ ...published[1]! }))).toEqual(['repeats were in flight']);
    });
  });

  describe('of the projection', () => {
    it('catches a missing row', () => {
      expect(brokenBy(({ view }) => view.pop())).toEqual(['the view follows the log']);
    });

    it('catches a duplicate application: a row that is further than the log, or there twice', () => {
      expect(brokenBy(({ view }) => (view[0]!.version = 5))).toContain('applied once');
      expect(brokenBy(({ view }) => view.push({ ...view[0]! }))).toEqual(['applied once']);
    });

    it('catches an event that was never applied, whatever column shows it', () => {
      expect(brokenBy(({ view }) => (view[2]!.end_date = '2026-07-03'))).toEqual(['the view equals a fold of the log']);
      expect(brokenBy(({ view }) => (view[2]!.started_at = new Date(0)))).toEqual([
        'the view equals a fold of the log',
      ]);
    });

    it('catches a rebuilt one that differs', () => {
      expect(brokenBy(({ rebuilt }) => rebuilt.pop())).toEqual(['the view follows the log']);
      expect(brokenBy(({ rebuilt }) => (rebuilt[1]!.status = 'active'))).toEqual(['the view equals a fold of the log']);
    });

    it('catches a row of no event', () => {
      expect(brokenBy(({ view }) => (view[1]!.subscription_id = 'z.1'))).toEqual(['the view follows the log']);
    });
  });

  describe('of notifications', () => {
    it('catches a change that nobody was told', () => {
      expect(brokenBy(({ notified }) => without(notified, ({ correlation }) => correlation === 'a-2'))).toEqual([
        'every change is told',
      ]);
    });

    it('lets a newer state take the place of one that was not told, but something must be told last', () => {
      const superseded = (id: string) =>
        brokenBy((seen) => {
          without(seen.notified, ({ correlation }) => correlation === id);
          seen.superseded.push(`event ${id}`);
        });
      expect(superseded('a-2')).toEqual([]);
      expect(superseded('a-4')).toEqual(['every change is told']);
    });

    it('catches an older state after a newer one, and lets the same one come again', () => {
      expect(brokenBy(({ notified }) => swap(notified, 3, 6))).toEqual(['told in order']);
      expect(brokenBy(({ notified }) => notified.splice(4, 0, notified[3]!))).toEqual([]);
      expect(brokenBy(({ notified }) => notified.push(notified[3]!))).toEqual(['told in order']);
    });

    it('catches one about nothing that happened', () => {
      expect(brokenBy(({ notified }) => (notified[0]!.correlation = 'dream'))).toContain('told what happened');
    });
  });

  describe('of leases', () => {
    it('catches a holder that was overtaken and writes all the same', () => {
      expect(
        brokenBy(({ steps }) => steps.push({ ...steps[1]!, position: position(14), transaction: 'late' })),
      ).toEqual(['a lost lease writes nothing']);
    });

    it('catches a checkpoint that goes back, and a fence that does not rise', () => {
      expect(brokenBy(({ steps }) => steps.push({ ...steps[3]!, position: position(11) }))).toEqual([
        'checkpoints rise',
      ]);
      expect(brokenBy(({ steps }) => steps.push({ ...steps[2]! }))).toEqual(['fences rise']);
    });

    it('catches an effect without its checkpoint', () => {
      expect(brokenBy(({ effects }) => effects.push('beside it'))).toEqual(['effects move with their checkpoint']);
    });

    it('measures how long a reader stood still after the end of its holder', () => {
      const { check } = judged(soundRun());
      expect(check.leases.takeoversAfter('one', 4500)).toEqual([{ reader: 'relay', ms: 1500 }]);
      expect(check.leases.takeoversAfter('two', 4500)).toEqual([]);
      expect(check.leases.takeoversAfter('two', 13_000)).toEqual([{ reader: 'relay', ms: Infinity }]);
    });
  });

  it('names the stream, so that its history can be shown', () => {
    const seen = soundRun();
    seen.view.pop();
    expect(judged(seen).list).toEqual([{ property: 'the view follows the log', seen: 'c.1 has no row', stream: 'c' }]);
  });
});
