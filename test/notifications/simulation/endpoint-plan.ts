import type { Answer } from '../../../src/client-connections';
import type { Chance } from './chance';

const minute = 60;
/** What was due while an endpoint was away is due within the hour: it comes back in time. */
export const awayS = 45 * minute;
/** A call's budget. */
const budgetS = 10;
/** A client has learned the ids of its subscriptions by then; before, it is not believed that it does not know them. */
export const learnedAfterS = 15 * minute;

export const endpointKinds = [
  'well',
  'slow',
  'down',
  'hanging',
  'erring',
  'flapping',
  'busy',
  'suspended',
  'forgetful',
  'gone',
] as const;
export type EndpointKind = (typeof endpointKinds)[number];

export interface Reply {
  afterS: number;
  answer: Exclude<Answer, { kind: 'held_back' }>;
}

/** How one client behaves, by a plan that its seed fixes: most are away or out of order for 45 minutes, `gone` for ever. */
export class EndpointPlan {
  /** When its time of being out of order begins. */
  readonly fromS: number;

  constructor(
    readonly clientId: string,
    readonly kind: EndpointKind,
    private readonly chance: Chance,
  ) {
    this.fromS = chance.upTo(10 * minute);
  }

  get toS(): number {
    return this.fromS + awayS;
  }

  reply(atS: number, subscriptionId: string, type: string): Reply {
    switch (this.kind) {
      case 'well':
      case 'suspended':
        return answered(204);
      case 'slow':
        return { ...answered(204), afterS: 8 };
      case 'gone':
        return refused;
      case 'forgetful':
        return this.isForgotten(subscriptionId) && atS >= learnedAfterS ? answered(400, unknownId) : answered(204);
      default:
        return atS >= this.fromS && atS < this.toS ? this.outOfOrder(atS, type) : answered(204);
    }
  }

  /** Every other subscription. */
  isForgotten(subscriptionId: string): boolean {
    return this.kind === 'forgetful' && Number.parseInt(subscriptionId[0]!, 16) % 2 === 0;
  }

  private outOfOrder(atS: number, type: string): Reply {
    switch (this.kind) {
      case 'hanging':
        return { afterS: budgetS, answer: { kind: 'failed', error: 'timeout' } };
      case 'erring':
        return this.chance.next() < 0.5 ? answered(503) : answered(204);
      case 'flapping':
        return Math.floor(atS / (3 * minute)) % 2 === 0 ? refused : answered(204);
      case 'busy':
        return { afterS: 1, answer: { kind: 'answered', status: 429, body: '', ...this.retryAfter(type) } };
      default:
        return refused;
    }
  }

  /** Nothing, a short while, or for ever: that only where a deadline of an hour bounds it. */
  private retryAfter(type: string): { retryAfter?: string } {
    const asked = [undefined, '5', '90', '600', type === 'resource' ? '999999' : '300'];
    const retryAfter = asked[this.chance.upTo(asked.length)];
    return retryAfter === undefined ? {} : { retryAfter };
  }
}

const unknownId = JSON.stringify({ error: 'invalid_subscription_id' });
const refused: Reply = { afterS: 1, answer: { kind: 'failed', error: 'ECONNREFUSED' } };
const answered = (status: number, body = ''): Reply => ({
  afterS: 1,
  answer: { kind: 'answered', status, body },
});
