import { expect } from '@jest/globals';
import { Refused, type RefusalCode } from '../../src/refusals';
import { decide, evolve, initialState } from '../../src/subscriptions/subscription.decider';
import type { Circumstances, SubscriptionCommand } from '../../src/subscriptions/subscription.commands';
import type { SubscriptionEvent } from '../../src/subscriptions';

type Expected = { type: SubscriptionEvent['type']; data: Record<string, unknown> };

/** What is expected of one event: its name without the dots around it, and the data that matter. */
export const event = (name: string, data: Record<string, unknown>) =>
  ({ type: `nl.medmij.subscription.${name}.v1`, data }) as Expected;

/** given(past).when(command).then(events): the past is events, never fields that a test has set. */
export function given(...past: SubscriptionEvent[]) {
  const state = past.reduce(evolve, initialState);
  return {
    when: (command: SubscriptionCommand & Circumstances) => ({
      /** Exactly these events; of their data, at least what is named. */
      then(...expected: Expected[]): void {
        expect(decide(command, state)).toEqual(
          expected.map(({ type, data }) => ({ type, data: expect.objectContaining(data) })),
        );
      },
      thenNothing(): void {
        expect(decide(command, state)).toEqual([]);
      },
      thenRefused(code: RefusalCode): void {
        expect(refusalOf(() => decide(command, state))).toBe(code);
      },
    }),
  };
}

/** The code of a refusal; anything else that is thrown is a bug of the code under test and surfaces as it is. */
function refusalOf(work: () => unknown): RefusalCode | 'not refused' {
  try {
    work();
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
  return 'not refused';
}
