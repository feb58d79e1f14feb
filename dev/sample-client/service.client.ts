import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { CallFailed, type Failure, linkTo } from './failure';

export interface ServiceAddress {
  /** Where this server reaches the service. */
  readonly serviceUrl: string;
  /** Where browsers reach it; its name in answers. */
  readonly publicUrl: string;
  readonly clientSecret: string;
}

/** What a person granted: for the calls of the Subscription interface, 15 minutes long. */
export interface Grant {
  readonly accessToken: string;
  readonly grantedDays: number;
  readonly correlationId: string;
}

export type Standing = z.output<typeof standing>;

const callWithinMs = 15_000;

const tokenAnswer = z.object({
  access_token: z.string(),
  scope: z.string().regex(/^subscribe~[0-9]{1,5}\//),
});
const standing = z.object({
  subscription_id: z.string().regex(/^[0-9A-Za-z.-]{1,64}$/),
  end_date: z.iso.date(),
  status: z.enum(['active', 'suspended', 'terminated', 'expired']),
});
const agreed = standing.omit({ status: true });
const tokenError = z.object({
  error: z.string().max(100),
  error_description: z.string().max(1_000).optional(),
  error_uri: z.string().optional(),
});
const problem = z.object({ code: z.string().max(100), detail: z.string().max(1_000), type: z.string().optional() });

/** The backchannel of a DVP: the token endpoint and the Subscription interface of the service (domain.md 4, 5). */
export class ServiceClient {
  constructor(private readonly service: ServiceAddress) {}

  /** @throws CallFailed */
  async exchange(code: string, redirectUri: string, correlationId: string): Promise<Grant> {
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: 'localhost',
      client_secret: this.service.clientSecret,
    });
    const answer = await this.send('/oauth/token', correlationId, { method: 'POST', body: form });
    const { access_token: accessToken, scope } = await read(tokenAnswer, answer);
    return { accessToken, grantedDays: Number(/~([0-9]+)\//.exec(scope)![1]), correlationId };
  }

  /** Takes up all that was granted; gives the subscription's id. @throws CallFailed */
  async takeUp(grant: Grant): Promise<string> {
    const answer = await this.call(grant, 'POST', '/Subscription', {});
    return (await read(agreed, answer)).subscription_id;
  }

  /** @throws CallFailed */
  async move(grant: Grant, subscriptionId: string, endDate: string): Promise<void> {
    await this.call(grant, 'PATCH', pathOf(subscriptionId), { end_date: endDate });
  }

  /** @throws CallFailed */
  async end(grant: Grant, subscriptionId: string): Promise<void> {
    await this.call(grant, 'DELETE', pathOf(subscriptionId));
  }

  /** @throws CallFailed */
  async show(grant: Grant, subscriptionId: string): Promise<Standing> {
    const answer = await this.call(grant, 'GET', pathOf(subscriptionId));
    return read(standing, answer);
  }

  private call(grant: Grant, method: string, path: string, body?: object): Promise<Response> {
    return this.send(path, grant.correlationId, {
      method,
      headers: {
        authorization: `Bearer ${grant.accessToken}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
    });
  }

  private async send(path: string, correlationId: string, request: RequestInit): Promise<Response> {
    const ids = { 'MedMij-Request-ID': randomUUID(), 'X-Correlation-ID': correlationId };
    let answer: Response;
    try {
      answer = await fetch(`${this.service.serviceUrl}${path}`, {
        ...request,
        headers: { ...(request.headers as Record<string, string>), ...ids },
        redirect: 'error',
        signal: AbortSignal.timeout(callWithinMs),
      });
    } catch {
      throw new CallFailed({
        code: 'unreachable',
        detail: 'The provider’s side does not answer at the moment.',
        repeatable: true,
      });
    }
    if (!answer.ok) throw new CallFailed(await this.failureOf(answer));
    return answer;
  }

  /** RFC 6749 section 5.2, RFC 6750 section 3, or a problem document (RFC 9457); in that order whatever names the error. */
  private async failureOf(answer: Response): Promise<Failure> {
    const body: unknown = await answer.json().catch(() => undefined);
    const { publicUrl } = this.service;
    const oauth = tokenError.safeParse(body);
    if (oauth.success) {
      const { error, error_description: detail = error, error_uri: uri } = oauth.data;
      return { code: error, detail, ...linkTo(publicUrl, uri), repeatable: true };
    }
    const challenge = challengeOf(answer.headers.get('www-authenticate') ?? '');
    if (challenge.error) {
      const { error, error_description: detail = error, error_uri: uri } = challenge;
      return { code: error, detail, ...linkTo(publicUrl, uri), repeatable: true };
    }
    const told = problem.safeParse(body);
    if (told.success) {
      const { code, detail, type } = told.data;
      return { code, detail, ...linkTo(publicUrl, type), repeatable: true };
    }
    return { code: `status_${answer.status}`, detail: 'The provider’s side answered with an error.', repeatable: true };
  }
}

async function read<Shape extends z.ZodType>(shape: Shape, answer: Response): Promise<z.output<Shape>> {
  const result = shape.safeParse(await answer.json().catch(() => undefined));
  if (result.success) return result.data;
  throw new CallFailed({
    code: 'unreadable_answer',
    detail: 'The provider’s side answered something that this app does not understand.',
    repeatable: true,
  });
}

const pathOf = (subscriptionId: string) => `/Subscription/${encodeURIComponent(subscriptionId)}`;

/** The attributes of a Bearer challenge; their values hold no quotation mark (RFC 6750 section 3). */
function challengeOf(header: string): Record<string, string | undefined> {
  return Object.fromEntries([...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));
}
