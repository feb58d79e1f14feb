import type { AppendRequest } from '../../src/event-store';
import type { SubscriptionEvent } from '../../src/subscriptions';
import { seededRandom } from '../support/random';
import type { WriteOutcome, WritersLedger } from '../event-store/log-writers';
import type { Written } from './checks/writer-check';

/**
 * What direct writers write in bulk: subscriptions that start once and are then suspended and resumed by an operator, so that
 * relay, projection and planner have real events, and clients only the start of each. Its token says whose append it was.
 */
export class BulkLedger implements WritersLedger {
  readonly written: Written[] = [];
  committed = 0;
  private appends = 0;

  constructor(private readonly seed: number) {}

  write(streamId: string, after: number, count: number) {
    this.appends += 1;
    const token = `w${this.seed}-${this.appends}`;
    const facts = Array.from({ length: count }, (_, index) => factAt(streamId, after + 1 + index, token));
    return { facts, trace: { correlation_id: token, causation_id: token } };
  }

  close({ streamId, expectedVersion, facts, trace }: AppendRequest, outcome: WriteOutcome): void {
    const written = { stream: streamId, after: expectedVersion, count: facts.length, outcome };
    this.written.push({ token: trace.correlation_id, ...written });
    if (outcome === 'committed') this.committed += facts.length;
  }
}

function factAt(streamId: string, version: number, token: string): SubscriptionEvent {
  const data = {
    subscription_id: `${streamId}.1`,
    client_id: 'localhost',
    provider: 'eenofanderezorgaanbieder',
    service_id: '42',
    person_id: streamId,
    end_date: '2099-01-01',
    interface_version: '3.0.0',
  };
  if (version === 1) {
    const authorization = { authorization_id: token, authorized_at: '2026-01-01T00:00:00.000Z' };
    return { type: 'nl.medmij.subscription.started.v1', data: { ...data, ...authorization } };
  }
  return version % 2 === 0
    ? { type: 'nl.medmij.subscription.suspended.v1', data: { ...data, reason: 'operator' } }
    : { type: 'nl.medmij.subscription.resumed.v1', data: { ...data, reason: 'operator' } };
}

/** Beyond the events that were asked for, while faults go on: so much slower. */
const afterwardsPart = 0.1;

/**
 * Lets events through at a steady pace: all that were asked for, and more, slowly, until the faults are over. `state` says how
 * far the run is; `given up` ends everything.
 */
export function paced(
  ledger: BulkLedger,
  events: number,
  paceMs: number,
  state: () => 'under faults' | 'faults over' | 'given up',
) {
  const startedMs = performance.now();
  const random = seededRandom(events);
  return async (): Promise<boolean> => {
    for (;;) {
      const now = state();
      const isEnough = ledger.committed >= events;
      if (now === 'given up' || (now === 'faults over' && isEnough)) return false;
      const paces = (performance.now() - startedMs) / paceMs;
      const due = events * (Math.min(1, paces) + afterwardsPart * Math.max(0, paces - 1));
      if (ledger.committed <= due) return true;
      await new Promise((resolve) => setTimeout(resolve, 5 + 40 * random()));
    }
  };
}
