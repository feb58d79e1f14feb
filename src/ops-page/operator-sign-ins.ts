import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operator, OperatorSessions } from '../http';
import type { AuditTrail } from '../audit';
import type { Clock } from '../platform';
import { Refused } from '../refusals';
import type { BrowserCookies, FormTokens } from '../screens';
import { type Issuer, IssuerAway } from '../sign-in';
import type { OperatorSessionStore } from './operator-session.store';

export const limits = {
  /** From leaving for the issuer until coming back. */
  signInMs: 15 * 60_000,
  /** One shift; and what a page that was closed without signing out stays open for. An open page asks all the time. */
  sessionMs: 8 * 3_600_000,
  idleMs: 30 * 60_000,
  /** So often at most it is written down that a session was seen. */
  seenEveryMs: 60_000,
};

/** Scopes that an operator may have; whatever else the issuer says somebody may do is nothing to us. */
const operatorScopes: readonly string[] = ['ops:read', 'ops:write'];
/** Sent by the script of our page only: a form cannot, and another origin would have to ask first, which nobody answers. */
const pageHeader = 'x-ops-page';
const cookie = 'operator';

/** How a sign-in ended: signed in, signed in but none of our operators, or not at all. */
export type OperatorOutcome =
  { kind: 'signed in'; continueAt: string } | { kind: 'no operator' | 'failed' | 'outage' | 'over' };

/** Signing in of operators' browsers, and who is at one (docs/adr/0023). */
export class OperatorSignIns implements OperatorSessions {
  private readonly origin: string;

  constructor(
    private readonly issuer: Issuer,
    private readonly scopeClaim: string,
    private readonly store: OperatorSessionStore,
    /** Strict ones: nothing that begins at another site brings the session along. */
    private readonly cookies: BrowserCookies,
    private readonly forms: FormTokens,
    private readonly clock: Clock,
    private readonly audit: AuditTrail,
    publicUrl: string,
  ) {
    this.origin = new URL(publicUrl).origin;
  }

  /**
   * Where the browser goes to sign in; afterwards it comes back to `continueAt`, a part of the page.
   * @throws Refused `unavailable` when the issuer is away
   */
  async begin(reply: FastifyReply, continueAt: string): Promise<URL> {
    const now = this.clock.now();
    await this.store.sweep(before(now, limits.signInMs), before(now, limits.sessionMs));
    const secrets = { state: secret(), nonce: secret(), codeVerifier: secret() };
    const url = await this.urlOf(secrets);
    await this.store.begin(hashOf(secrets.state), hashOf(this.forms.knowBrowser(reply)), {
      continueAt,
      nonce: secrets.nonce,
      codeVerifier: secrets.codeVerifier,
      startedAt: now,
    });
    return url;
  }

  /** Takes the answer that the issuer sent by the browser, once. The session's identifier is new to this browser (fixation). */
  async complete(reply: FastifyReply, state: string): Promise<OperatorOutcome> {
    const { request } = reply;
    const now = this.clock.now();
    const browser = this.forms.browserOf(request);
    if (browser === undefined) return { kind: 'over' };
    const signIn = await this.store.take(hashOf(state), hashOf(browser), before(now, limits.signInMs));
    if (!signIn) return { kind: 'over' };
    const { continueAt, nonce, codeVerifier, startedAt } = signIn;
    const elapsedMs = now.getTime() - startedAt.getTime();
    const search = request.url.slice(request.url.indexOf('?'));
    const answer = await this.issuer.answerOf(search, { state, nonce, codeVerifier, elapsedMs });
    if (answer.kind !== 'identified') return answer;
    const scopes = scopesIn(answer.claims[this.scopeClaim]);
    const isOperator = scopes.includes('ops:read');
    await this.tell(request, answer.subject, 'operator.sign_in', isOperator ? 'done' : 'forbidden');
    if (!isOperator) return { kind: 'no operator' };
    await this.endSession(request);
    const session = secret();
    await this.store.open(hashOf(session), { subject: answer.subject, scopes }, now);
    this.cookies.set(reply, cookie, session);
    return { kind: 'signed in', continueAt };
  }

  async operatorAt(request: FastifyRequest): Promise<Operator | undefined> {
    const session = this.cookies.read(request, cookie);
    if (session === undefined) return undefined;
    if (request.method !== 'GET' && !this.isFromOwnPage(request)) {
      throw new Refused('forbidden', 'A session writes only from the operator page.');
    }
    const now = this.clock.now();
    return this.store.see(hashOf(session), {
      now,
      signedInAfter: before(now, limits.sessionMs),
      seenAfter: before(now, limits.idleMs),
      seenEveryMs: limits.seenEveryMs,
    });
  }

  /** Signs out: the session is over at once, for whoever else has its cookie too. */
  async end(reply: FastifyReply): Promise<void> {
    const operator = await this.operatorAt(reply.request);
    await this.endSession(reply.request);
    this.cookies.forget(reply, cookie);
    if (operator) await this.tell(reply.request, operator.subject, 'operator.sign_out', 'done');
  }

  /** The cookie is strict, but every port of our host is the same site: the origin says which one, and the header that it is a script. */
  private isFromOwnPage({ headers }: FastifyRequest): boolean {
    return headers.origin === this.origin && headers[pageHeader] === '1';
  }

  private async endSession(request: FastifyRequest): Promise<void> {
    const session = this.cookies.read(request, cookie);
    if (session !== undefined) await this.store.end(hashOf(session));
  }

  private async urlOf(secrets: { state: string; nonce: string; codeVerifier: string }): Promise<URL> {
    try {
      return await this.issuer.signInUrl(secrets);
    } catch (error) {
      if (error instanceof IssuerAway) throw new Refused('unavailable', 'Nobody can sign in now.');
      throw error;
    }
  }

  private tell({ ids }: FastifyRequest, who: string, what: string, outcome: string): Promise<void> {
    const { requestId: request_id, correlationId: correlation_id } = ids;
    return this.audit.write({ at: this.clock.now(), who, what, outcome, request_id, correlation_id });
  }
}

/** Of a list of scopes as text with spaces between them (RFC 6749), or as an array, as issuers give roles. */
function scopesIn(claim: unknown): string[] {
  const given: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return operatorScopes.filter((scope) => given.includes(scope));
}

const secret = () => randomBytes(32).toString('base64url');

const hashOf = (text: string) => createHash('sha256').update(text).digest();

const before = (now: Date, ms: number) => new Date(now.getTime() - ms);
