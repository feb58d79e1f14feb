import { randomBytes, randomUUID } from 'node:crypto';
import { addDays, dateOf } from '../../src/subscriptions/end-date';
import type { Authorization, Stage, Wish } from './authorization';
import { CallFailed, type Failure, linkTo } from './failure';
import type { Grant, ServiceClient } from './service.client';
import type { OwnSubscription, Visitor } from './visitors';

/** Asks persons for authorizations by way of their browser, and uses what they granted (domain.md 2, 4, 5). */
export class Authorizations {
  constructor(
    private readonly service: ServiceClient,
    private readonly publicUrl: string,
    private readonly redirectUri: string,
  ) {}

  /** Gives the authorization, and the address for the window. */
  begin(visitor: Visitor, wish: Wish): { authorization: Authorization; address: string } {
    const authorization: Authorization = {
      id: randomUUID(),
      state: randomBytes(32).toString('base64url'),
      correlationId: randomUUID(),
      wish,
      stage: { at: 'window' },
      work: Promise.resolve(),
    };
    visitor.authorizations.set(authorization.id, authorization);
    const days = wish.kind === 'end' ? 0 : wish.days;
    const parameters = new URLSearchParams({
      response_type: 'code',
      client_id: 'localhost',
      redirect_uri: this.redirectUri,
      scope: `subscribe~${days}/${wish.provider}~${wish.service_id}`,
      state: authorization.state,
      'MedMij-Request-ID': randomUUID(),
      'X-Correlation-ID': authorization.correlationId,
    });
    return { authorization, address: `${this.publicUrl}/oauth/authorize?${parameters}` };
  }

  /** The window comes back; the first answer is the one that counts. Undefined when this browser asked for nothing that it fits. */
  async comeBack(visitor: Visitor, answer: URLSearchParams): Promise<Authorization | undefined> {
    const given = (name: string) => (answer.getAll(name).length === 1 ? answer.get(name)! : undefined);
    const authorization = visitor.authorizations.values().find(({ state }) => state === given('state'));
    if (authorization?.stage.at !== 'window') return authorization;
    const [code, error] = [given('code'), given('error')];
    // RFC 9207: an answer of another issuer is not used, whatever it says.
    if (given('iss') !== this.publicUrl || (code === undefined) === (error === undefined)) {
      const detail = 'The answer did not come from the provider’s side that was asked. It was not used.';
      authorization.stage = { at: 'refused', failure: { code: 'foreign_answer', detail, repeatable: false } };
    } else if (code === undefined) {
      const failure = this.refusal(error!, given('error_description'), given('error_uri'));
      authorization.stage = { at: 'refused', failure };
    } else {
      authorization.stage = { at: 'code', code };
      await this.carryOut(visitor, authorization);
    }
    return authorization;
  }

  /** Sends what failed once more, as it was. */
  async retry(visitor: Visitor, authorization: Authorization): Promise<void> {
    await this.carryOut(visitor, authorization);
  }

  giveUp(authorization: Authorization): void {
    if (authorization.stage.at === 'window') authorization.stage = { at: 'given_up' };
  }

  /** How the subscription stands now, asked with the grant it came with. @throws CallFailed */
  async check(visitor: Visitor, subscription: OwnSubscription): Promise<void> {
    const standing = await this.service.show(subscription.grant, subscription.subscription_id);
    visitor.subscriptions.set(subscription.subscription_id, { ...subscription, ...standing });
  }

  private async carryOut(visitor: Visitor, authorization: Authorization): Promise<void> {
    const step = () => this.step(visitor, authorization);
    authorization.work = authorization.work.then(step, step);
    await authorization.work;
  }

  /** From the code to the grant, from the grant to the subscription; stops at the first request that fails. */
  private async step(visitor: Visitor, authorization: Authorization): Promise<void> {
    const { stage, correlationId } = authorization;
    try {
      if (stage.at === 'code') {
        const grant = await this.service.exchange(stage.code, this.redirectUri, correlationId);
        authorization.stage = { at: 'grant', grant };
      }
      if (authorization.stage.at === 'grant') {
        const { grant } = authorization.stage;
        const subscriptionId = await this.use(grant, authorization.wish);
        const { provider, service_id } = authorization.wish;
        const standing = await this.service.show(grant, subscriptionId);
        visitor.subscriptions.set(subscriptionId, { ...standing, provider, service_id, grant });
        authorization.stage = { at: 'done', subscriptionId };
      }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      authorization.stage = {
        ...(authorization.stage as Extract<Stage, { at: 'code' | 'grant' }>),
        failure: error.failure,
      };
    }
  }

  /** Gives the id of the subscription it is about. @throws CallFailed */
  private async use(grant: Grant, wish: Wish): Promise<string> {
    if (wish.kind === 'start') return this.service.takeUp(grant);
    if (wish.kind === 'end') await this.service.end(grant, wish.subscription_id);
    else {
      const endDate = addDays(dateOf(new Date()), grant.grantedDays);
      await this.service.move(grant, wish.subscription_id, endDate);
    }
    return wish.subscription_id;
  }

  private refusal(code: string, description: string | undefined, errorUri: string | undefined): Failure {
    // Nothing is said about the cause, for nothing is known about it (domain.md 3).
    const open = 'The request did not go on. This app is not told why.';
    const detail =
      description ?? (code === 'access_denied' ? open : `The provider’s side refused the request: ${code}.`);
    return { code, detail, ...linkTo(this.publicUrl, errorUri), repeatable: false };
  }
}
