import type { NotificationType } from '../../../src/notifications/delivery';
import type { EndpointPlan, Reply } from './endpoint-plan';

/** All moments are seconds of the virtual clock. */
export interface Change {
  readonly atS: number;
  readonly client: EndpointPlan;
  readonly subscriptionId: string;
  /** The version of its stream. */
  readonly sequence: number;
  readonly kind: 'started' | 'adjusted' | 'terminated';
}

export interface ResourceChange {
  readonly atS: number;
  readonly client: EndpointPlan;
  readonly subscriptionId: string;
  readonly isAvailable: boolean;
}

export interface Request {
  readonly atS: number;
  readonly untilS: number;
  readonly client: EndpointPlan;
  readonly subscriptionId: string;
  readonly type: NotificationType;
  /** Of the change it tells; undefined for a resource notification. */
  readonly sequence: number | undefined;
  readonly answer: Reply['answer'];
  /** Set when its sender was killed or frozen before the answer was recorded. */
  isOrphan: boolean;
  /** When its sender went on, if it was frozen: what it says then counts no more if somebody else has sent it again. */
  wokeUpS?: number;
}

/** What happened, as an outsider saw it: what was to be told, and what reached the clients. */
export class Ledger {
  readonly changes: Change[] = [];
  readonly resourceChanges: ResourceChange[] = [];
  readonly requests: Request[] = [];
  /** When nothing more was to be said about a subscription, because its client does not know it. */
  readonly silencedS = new Map<string, number>();
  /** Calls that were under way in a worker when it was killed or frozen. */
  orphans = 0;
}

export const isAccepted = ({ answer }: Request) =>
  answer.kind === 'answered' && answer.status >= 200 && answer.status < 300;
