import { randomUUID } from 'node:crypto';
import type { Answer, TestService } from '../support/app';
import type { IssuerBehaviour, TestIssuer } from '../support/issuer';

/** What an authorization request of the sample client says; a list is a parameter given as often. */
export type Parameters = Record<string, string | readonly string[] | undefined>;

export const redirectUri = 'http://localhost:3010/terug?scherm=1';

/** A request that passes every check; the test says what matters to it. */
export function authorizationRequest(given: Parameters = {}): Parameters {
  return {
    client_id: 'localhost',
    redirect_uri: redirectUri,
    response_type: 'code',
    state: `s-${randomUUID()}`,
    scope: 'subscribe~180/eenofanderezorgaanbieder~42',
    'MedMij-Request-ID': randomUUID(),
    'X-Correlation-ID': randomUUID(),
    ...given,
  };
}

export function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of value === undefined ? [] : [value].flat()) query.append(name, each);
  }
  return query.toString();
}

/** A form on a page: where it goes, and what it says. */
interface Form {
  action: string;
  fields: Record<string, string>;
}

/** A browser at the level of HTTP: keeps cookies, reads forms, follows nothing by itself. */
export class StepwiseVisitor {
  readonly cookies = new Map<string, string>();

  constructor(
    readonly service: TestService,
    private readonly issuer: TestIssuer,
  ) {}

  async get(path: string): Promise<Answer> {
    return this.keepCookies(await this.service.send('GET', path, this.headers()));
  }

  async post(path: string, fields: Record<string, string>): Promise<Answer> {
    const headers = { ...this.headers(), 'content-type': 'application/x-www-form-urlencoded' };
    return this.keepCookies(await this.service.send('POST', path, headers, new URLSearchParams(fields).toString()));
  }

  /** Sends the authorization request and goes to the landing page. */
  async arrive(given: Parameters = {}): Promise<Answer> {
    const answer = await this.get(`/oauth/authorize?${queryOf(authorizationRequest(given))}`);
    return this.get(locationOf(answer));
  }

  /** From the landing page to the issuer and back: the page that follows. */
  async signIn(landing: Answer, signingIn: Partial<IssuerBehaviour>): Promise<Answer> {
    return this.get(locationOf(await this.comeBack(landing, signingIn)));
  }

  /** From the landing page to the issuer and back: the answer that leads on. */
  async comeBack(landing: Answer, signingIn: Partial<IssuerBehaviour>): Promise<Answer> {
    const toIssuer = locationOf(await this.follow(landing, '/oauth/interaction/sign-in'));
    this.issuer.behaviour = { subject: 'nobody-in-particular', ...signingIn };
    const fromIssuer = await fetch(toIssuer, { redirect: 'manual' });
    const back = new URL(fromIssuer.headers.get('location')!);
    return this.get(back.pathname + back.search);
  }

  /** Arrives and signs in: the page that follows. */
  async arriveAs(subject: string, given: Parameters = {}): Promise<Answer> {
    return this.signIn(await this.arrive(given), { subject });
  }

  /** Goes where a link of the page leads. */
  async follow(page: Answer, path: string): Promise<Answer> {
    return this.get(linkOf(page, path));
  }

  /** Presses the one button of the form that goes to `action`. */
  async submit(page: Answer, action: string): Promise<Answer> {
    const { fields } = formOf(page, action);
    return this.post(action, fields);
  }

  /** Another browser with everything that this one has. */
  twin(): StepwiseVisitor {
    const twin = new StepwiseVisitor(this.service, this.issuer);
    for (const [name, value] of this.cookies) twin.cookies.set(name, value);
    return twin;
  }

  private headers(): Record<string, string> {
    if (this.cookies.size === 0) return {};
    return { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  }

  private keepCookies(answer: Answer): Answer {
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0/i.test(line)) this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    return answer;
  }
}

/** Where an answer sends the browser. */
export function locationOf({ status, headers, text }: Answer): string {
  const location = headers.get('location');
  if (![302, 303].includes(status) || location === null)
    throw new Error(`Not a redirect but ${status}: ${text.slice(0, 500)}`);
  return location;
}

/** The parameters that a redirect to the client carries, its own query left out. */
export function backAtClient(answer: Answer): Record<string, string> {
  const location = locationOf(answer);
  if (!location.startsWith(`${redirectUri}&`)) throw new Error(`Not back at the client: ${location}`);
  const entries = [...new URLSearchParams(location.slice(redirectUri.length + 1))];
  if (new Set(entries.map(([name]) => name)).size !== entries.length) throw new Error(`Twice the same: ${location}`);
  return Object.fromEntries(entries);
}

export function formOf({ text }: Answer, action: string): Form {
  for (const [, attributes, content] of text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    if (/action="([^"]*)"/.exec(attributes!)?.[1] !== action) continue;
    const inputs = content!.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    return { action, fields: Object.fromEntries([...inputs].map(([, name, value]) => [name!, value!])) };
  }
  throw new Error(`No form to ${action} in: ${text.slice(0, 2_000)}`);
}

/** Where the page goes by itself, and after how many seconds. */
export function refreshOf({ headers }: Answer): { afterS: number; path: string } {
  const parts = /^(\d+);url=(.*)$/.exec(headers.get('refresh') ?? '');
  if (!parts) throw new Error('The page goes nowhere by itself.');
  const url = new URL(parts[2]!);
  return { afterS: Number(parts[1]), path: url.pathname + url.search };
}

/** Where a link of the page leads whose address begins so. */
function linkOf({ text }: Answer, path: string): string {
  const found = [...text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href!).find((href) => href.startsWith(path));
  if (found === undefined) throw new Error(`No link to ${path} in: ${text.slice(0, 2_000)}`);
  return found;
}
