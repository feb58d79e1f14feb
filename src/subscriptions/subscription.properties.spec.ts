import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { party, streamId } from '../../test/support/builders';
import { Refused } from '../refusals';
import { addDays, dateOf } from './end-date';
import type { Circumstances, SubscriptionCommand } from './subscription.commands';
import { decide, evolve, initialState, isRunning, type SubscriptionState } from './subscription.decider';
import type { SubscriptionEvent } from './subscription.events';

/** A little time passes before each command; both nights in which the clock changes lie within reach of the starts. */
const starts = ['2026-03-27T20:00:00Z', '2026-10-23T20:00:00Z', '2026-12-30T22:30:00Z', '2028-02-28T12:00:00Z'];
const minuteMs = 60_000;
const passing = fc.oneof(
  fc.integer({ min: 0, max: 90 }).map((minutes) => minutes * minuteMs),
  fc.integer({ min: 0, max: 60 }).map((hours) => hours * 60 * minuteMs),
);
const by = fc.constantFrom('provider' as const, 'operator' as const);
const reason = fc.constantFrom(
  'person' as const,
  'provider' as const,
  'operator' as const,
  'client_endpoint' as const,
  'erased' as const,
);
const authorizedAgo = fc.integer({ min: -10, max: 3000 }).map((minutes) => minutes * minuteMs);

const move = fc.record({
  passing,
  clientIsSuspended: fc.boolean(),
  command: fc.oneof(
    fc.record({
      type: fc.constant('Subscribe' as const),
      grantedDays: fc.integer({ min: 1, max: 4 }),
      ago: authorizedAgo,
    }),
    fc.record({ type: fc.constant('Terminate' as const), reason, ago: fc.option(authorizedAgo, { nil: undefined }) }),
    fc.record({
      type: fc.constant('Adjust' as const),
      days: fc.integer({ min: -2, max: 6 }),
      grantedDays: fc.integer({ min: 1, max: 5 }),
      ago: authorizedAgo,
    }),
    fc.record({
      type: fc.constant('TakeUp' as const),
      grantedDays: fc.integer({ min: 1, max: 5 }),
      days: fc.option(fc.integer({ min: -2, max: 6 }), { nil: undefined }),
      ago: authorizedAgo,
    }),
    fc.record({ type: fc.constant('Reapprove' as const), ago: authorizedAgo }),
    fc.record({ type: fc.constant('Expire' as const) }),
    fc.record({ type: fc.constant('Suspend' as const), by: fc.oneof(by, fc.constant('service_withdrawn' as const)) }),
    fc.record({ type: fc.constant('Resume' as const), by: fc.oneof(by, fc.constant('service_offered' as const)) }),
  ),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

interface Step {
  now: Date;
  command: SubscriptionCommand & Circumstances;
  before: SubscriptionState;
  events: SubscriptionEvent[];
  after: SubscriptionState;
}

function commandOf({ command }: Move, state: SubscriptionState, now: Date): SubscriptionCommand {
  const subscriptionId = state.latest?.subscriptionId ?? `${streamId}.1`;
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const today = dateOf(now);
  switch (command.type) {
    case 'Subscribe':
      return {
        type: 'Subscribe',
        party,
        streamId,
        interfaceVersion: '3.0.0',
        grantedDays: command.grantedDays,
        authorizationId: 'any',
        authorizedAt: ago(command.ago),
        now,
      };
    case 'Terminate':
      return {
        type: 'Terminate',
        reason: command.reason,
        ...(command.ago !== undefined && { authorizedAt: ago(command.ago) }),
        now,
      };
    case 'Adjust':
      return {
        type: 'Adjust',
        subscriptionId,
        endDate: addDays(today, command.days),
        grantedDays: command.grantedDays,
        authorizedAt: ago(command.ago),
        now,
      };
    case 'TakeUp':
      return {
        type: 'TakeUp',
        party,
        streamId,
        interfaceVersion: '3.0.0',
        grantedDays: command.grantedDays,
        endDate: command.days === undefined ? undefined : addDays(today, command.days),
        authorizationId: 'any',
        authorizedAt: ago(command.ago),
        now,
      };
    case 'Reapprove':
      return { type: 'Reapprove', authorizationId: 'any', authorizedAt: ago(command.ago), now };
    case 'Expire':
      return { type: 'Expire', now };
    case 'Suspend':
      return { type: 'Suspend', subscriptionId, by: command.by, now };
    case 'Resume':
      return { type: 'Resume', subscriptionId, by: command.by, now };
  }
}

/** Plays the moves; a refusal changes nothing, any other error is a bug. */
function play(start: string, moves: Move[]): Step[] {
  const steps: Step[] = [];
  let now = new Date(start);
  let state = initialState;
  for (const each of moves) {
    now = new Date(now.getTime() + each.passing);
    const command = { ...commandOf(each, state, now), clientIsSuspended: each.clientIsSuspended };
    let events: SubscriptionEvent[] = [];
    try {
      events = decide(command, state);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    const after = events.reduce(evolve, state);
    steps.push({ now, command, before: state, events, after });
    state = after;
  }
  return steps;
}

const always = (holds: (steps: Step[]) => void) => {
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.array(move, { maxLength: 40 }), (start, moves) =>
      holds(play(start, moves)),
    ),
    {
      numRuns: 1_000,
    },
  );
};
const allEvents = (steps: Step[]) => steps.flatMap(({ events }) => events);
const isEnd = ({ type }: SubscriptionEvent) => /terminated|expired/.test(type);

describe('whatever is asked, in whatever order, over whichever nights, a subscription', () => {
  it('is at most shortened, ended or suspended while its client is suspended', () => {
    always((steps) => {
      for (const { command, before, events } of steps.filter(({ command }) => command.clientIsSuspended)) {
        for (const { type, data } of events) {
          const kind = type.split('.')[3];
          // Its service is offered again: a rest of its own is over, and it rests on with its client.
          if (command.type === 'Resume' && command.by === 'service_offered' && kind === 'resumed') continue;
          expect(['adjusted', 'terminated', 'expired', 'suspended']).toContain(kind);
          if (kind === 'adjusted') expect(data.end_date < before.latest!.endDate).toBe(true);
        }
        if (command.type === 'Subscribe' && events.length > 0) expect(isRunning(before.latest)).toBe(true);
      }
    });
  });

  it('begins once, ends at most once, and says nothing after its end', () => {
    always((steps) => {
      const perId = new Map<string, SubscriptionEvent[]>();
      for (const event of allEvents(steps)) {
        perId.set(event.data.subscription_id, [...(perId.get(event.data.subscription_id) ?? []), event]);
      }
      for (const events of perId.values()) {
        expect(events.map(({ type }) => type).filter((type) => type.includes('started'))).toHaveLength(1);
        expect(events[0]!.type).toContain('started');
        const end = events.findIndex(isEnd);
        if (end >= 0) expect(end).toBe(events.length - 1);
      }
    });
  });

  it('gets the next number on its stream, and never runs beside another', () => {
    always((steps) => {
      let running: string | undefined;
      let begun = 0;
      for (const event of allEvents(steps)) {
        if (event.type.includes('started')) {
          expect(running).toBeUndefined();
          begun += 1;
          expect(event.data.subscription_id).toBe(`${streamId}.${begun}`);
          running = event.data.subscription_id;
        }
        if (isEnd(event)) running = undefined;
      }
    });
  });

  it('never ends later than the last grant allows', () => {
    always((steps) => {
      for (const { command, before, events } of steps) {
        for (const { type, data } of events) {
          if (!/started|adjusted/.test(type)) continue;
          const wasLonger = isRunning(before.latest) && data.end_date < before.latest.endDate;
          if (command.type === 'Subscribe') {
            expect(data.end_date).toBe(addDays(dateOf(command.authorizedAt), command.grantedDays));
          } else if ((command.type === 'Adjust' || command.type === 'TakeUp') && !wasLonger) {
            expect(data.end_date <= addDays(dateOf(command.authorizedAt), command.grantedDays)).toBe(true);
          }
        }
      }
    });
  });

  it('is over for everybody on its end date: no command leaves a running one that has ended by the date', () => {
    always((steps) => {
      for (const { now, events, after } of steps) {
        if (events.length > 0 && isRunning(after.latest)) expect(after.latest.endDate > dateOf(now)).toBe(true);
      }
    });
  });

  it('that is suspended says nothing but that it is shortened, ended, resumed or expired', () => {
    always((steps) => {
      for (const { command, before, events } of steps) {
        if (before.latest?.status !== 'suspended' || (command.type !== 'Adjust' && command.type !== 'TakeUp')) continue;
        for (const { type, data } of events.filter(
          ({ data }) => data.subscription_id === before.latest!.subscriptionId,
        )) {
          expect(type).toMatch(/adjusted|terminated|expired/);
          if (type.includes('adjusted')) expect(data.end_date < before.latest.endDate).toBe(true);
        }
      }
    });
  });

  it('never loses an ending that the person asked for in time', () => {
    always((steps) => {
      for (const { command, before, after, events } of steps) {
        if (command.type !== 'Terminate' || command.reason !== 'person' || !isRunning(before.latest)) continue;
        if (events.length > 0) expect(isRunning(after.latest)).toBe(false);
      }
    });
  });

  it('is decided the same way twice, and deciding again right away changes nothing more', () => {
    always((steps) => {
      for (const { command, before, events, after } of steps) {
        if (events.length === 0) continue;
        expect(decide(command, before)).toEqual(events);
        // While the client is suspended even the same end date again is refused: only a shortening is let through.
        const isRepeatable =
          command.type === 'Expire' ||
          (command.type === 'Subscribe' && after.latest?.status === 'active' && !command.clientIsSuspended);
        if (isRepeatable) expect(decide(command, after)).toEqual([]);
      }
    });
  });

  it('applies authorizations in the order in which the person gave them', () => {
    always((steps) => {
      const moments = allEvents(steps).flatMap(({ data }) =>
        data.authorized_at === undefined ? [] : [data.authorized_at],
      );
      expect(moments).toEqual([...moments].sort());
    });
  });
});
