import { z } from 'zod';
import type { Authorization } from './authorization';
import type { Authorizations } from './authorizations';
import { CallFailed, type Failure } from './failure';
import type { Offer } from './offers';
import type { OwnSubscription, Visitor } from './visitors';

const provider = z.string().regex(/^[a-z]{3,50}$/);
const serviceId = z.string().regex(/^[0-9A-Za-z._-]{1,30}$/);
const days = z.int().min(1).max(99_999);
const wishes = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), provider, service_id: serviceId, days }),
  z.strictObject({ kind: z.literal('change'), subscription_id: z.string(), days }),
  z.strictObject({ kind: z.literal('end'), subscription_id: z.string() }),
]);

/** An answer to the page: a status and what it is about. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

const notFound: ApiAnswer = { status: 404, body: { error: 'not_found' } };

/** What the page asks of its server. No answer holds a code, a token or a state: they are no business of a page. */
export class ClientApi {
  constructor(
    private readonly authorizations: Authorizations,
    private readonly offers: readonly Offer[],
    private readonly publicUrl: string,
  ) {}

  async read(visitor: Visitor, path: string): Promise<ApiAnswer> {
    if (path === '/api/overview') return { status: 200, body: this.overview(visitor) };
    const authorization = visitor.authorizations.get(/^\/api\/authorizations\/([^/]+)$/.exec(path)?.[1] ?? '');
    if (!authorization) return notFound;
    // The window may tell the page that it is back before its requests are through, or be closed meanwhile.
    await authorization.work.catch(() => undefined);
    return { status: 200, body: outcomeOf(authorization) };
  }

  async write(visitor: Visitor, path: string, body: unknown): Promise<ApiAnswer> {
    if (path === '/api/authorizations') return this.begin(visitor, body);
    const [, group, id = '', action] = /^\/api\/(authorizations|subscriptions)\/([^/]+)\/([a-z-]+)$/.exec(path) ?? [];
    const authorization = group === 'authorizations' && visitor.authorizations.get(id);
    if (authorization && action === 'retry') {
      await this.authorizations.retry(visitor, authorization);
      return { status: 200, body: outcomeOf(authorization) };
    }
    if (authorization && action === 'give-up') {
      this.authorizations.giveUp(authorization);
      return { status: 200, body: outcomeOf(authorization) };
    }
    const subscription = group === 'subscriptions' && visitor.subscriptions.get(id);
    if (subscription && action === 'check') return this.check(visitor, subscription);
    return notFound;
  }

  private overview(visitor: Visitor): object {
    return {
      offers: this.offers,
      subscriptions: visitor.subscriptions.values().reverse().map(shown),
      manage_url: `${this.publicUrl}/my/subscriptions`,
    };
  }

  private begin(visitor: Visitor, body: unknown): ApiAnswer {
    const read = wishes.safeParse(body);
    if (!read.success) return { status: 400, body: { error: 'invalid_request' } };
    const wish = read.data;
    if (wish.kind === 'start') return this.begun(visitor, wish);
    const subscription = visitor.subscriptions.get(wish.subscription_id);
    if (!subscription) return notFound;
    return this.begun(visitor, { ...wish, provider: subscription.provider, service_id: subscription.service_id });
  }

  private begun(visitor: Visitor, wish: Authorization['wish']): ApiAnswer {
    const { authorization, address } = this.authorizations.begin(visitor, wish);
    return { status: 201, body: { id: authorization.id, address } };
  }

  private async check(visitor: Visitor, subscription: OwnSubscription): Promise<ApiAnswer> {
    try {
      await this.authorizations.check(visitor, subscription);
      return { status: 200, body: { at: 'done', subscription_id: subscription.subscription_id } };
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      return { status: 200, body: { at: 'failed', failure: error.failure } };
    }
  }
}

/** A step was broken off in the middle. */
const ownFault: Failure = { code: 'internal_error', detail: 'This is a fault of this app.', repeatable: true };

interface Outcome {
  at: 'window' | 'given_up' | 'failed' | 'done';
  failure?: Failure;
  subscription_id?: string;
}

function outcomeOf({ stage }: Authorization): Outcome {
  switch (stage.at) {
    case 'window':
    case 'given_up':
      return { at: stage.at };
    case 'done':
      return { at: 'done', subscription_id: stage.subscriptionId };
    case 'refused':
    case 'code':
    case 'grant':
      return { at: 'failed', failure: stage.failure ?? ownFault };
  }
}

function shown({ grant: _grant, ...subscription }: OwnSubscription): object {
  return subscription;
}
