import { createHash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSamePerson, type KnownSubject, type PersonalSeal, type PersonHolder } from '../persons';
import type { Clock } from '../platform';
import { Refused } from '../refusals';
import type { BrowserCookies, FormTokens } from '../screens';
import type { Issuer } from './issuer';
import { IssuerAway } from './issuer.client';
import type { Purpose, SignedIn, SignInOutcome } from './sign-in.outcome';
import type { SealedSession, SignInStore, StoredOutcome } from './sign-in.store';

export const limits = {
  /** From leaving for the issuer until coming back. */
  signInMs: 15 * 60_000,
  /** A session ends when nothing was asked for this long, and after the longer time in any case. */
  idleMs: 15 * 60_000,
  sessionMs: 60 * 60_000,
};

/** Sessions unsealed at a time to find those of one person: they last an hour, so there are not many pages. */
const unsealedMax = 500;

/** Signing in at the issuer, and who is signed in at a browser: one session for each purpose (domain.md 2, 10). */
export class SignIns implements PersonHolder {
  constructor(
    private readonly issuer: Issuer,
    private readonly store: SignInStore,
    private readonly seal: PersonalSeal,
    private readonly cookies: BrowserCookies,
    private readonly forms: FormTokens,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends the browser to the issuer; afterwards it comes back to `continueAt`, a path of ours.
   * @throws Refused `unavailable` when the issuer is away
   */
  async begin(reply: FastifyReply, { purpose, continueAt }: { purpose: Purpose; continueAt: string }): Promise<void> {
    if (!/^\/(?![/\\])/.test(continueAt)) throw new Error('A sign-in goes on at a path of ours.');
    const secrets = { state: secret(), nonce: secret(), codeVerifier: secret() };
    const url = await this.urlOf(secrets);
    await this.store.begin(hashOf(secrets.state), hashOf(this.forms.knowBrowser(reply)), {
      purpose,
      continueAt,
      nonce: secrets.nonce,
      codeVerifier: secrets.codeVerifier,
      startedAt: this.clock.now(),
    });
    await reply.header('cache-control', 'no-store').redirect(url.href, 302);
  }

  /**
   * Takes the answer that the issuer sent by the browser, once, and sends the browser on. The session gets an identifier that
   * this browser has not had before, whatever cookie it came with (fixation). False, and nothing is answered, when no sign-in by
   * this state is under way at this browser.
   */
  async complete(reply: FastifyReply, state: string): Promise<boolean> {
    const { request } = reply;
    const now = this.clock.now();
    const browser = this.forms.browserOf(request);
    const signIn =
      browser === undefined
        ? undefined
        : await this.store.take(hashOf(state), hashOf(browser), before(now, limits.signInMs));
    if (!signIn) return false;
    const { purpose, continueAt, nonce, codeVerifier, startedAt } = signIn;
    const expected = { state, nonce, codeVerifier, elapsedMs: now.getTime() - startedAt.getTime() };
    const search = request.url.slice(request.url.indexOf('?'));
    const outcome = await this.issuer.outcomeOf(search, expected);
    await this.endSession(request, purpose);
    const session = secret();
    await this.store.open(hashOf(session), purpose, this.stored(outcome, session), now);
    this.cookies.set(reply, cookieOf(purpose), session, limits.sessionMs / 1_000);
    await reply.header('cache-control', 'no-store').redirect(continueAt, 303);
    return true;
  }

  /** How the sign-in of this browser for this purpose ended; undefined when there was none yet, or the session is over. */
  async outcome(request: FastifyRequest, purpose: Purpose): Promise<SignInOutcome | undefined> {
    const session = this.cookies.read(request, cookieOf(purpose));
    if (session === undefined) return undefined;
    const now = this.clock.now();
    const stored = await this.store.see(hashOf(session), purpose, {
      now,
      signedInAfter: before(now, limits.sessionMs),
      seenAfter: before(now, limits.idleMs),
    });
    if (stored?.kind !== 'identified') return stored;
    const person = this.personOf({ sessionHash: hashOf(session), person: stored.person });
    return person && { kind: 'identified', person };
  }

  /** Signs out: the session is over at once, for whoever else has its cookie too. */
  async end(reply: FastifyReply, purpose: Purpose): Promise<void> {
    await this.endSession(reply.request, purpose);
    this.cookies.forget(reply, cookieOf(purpose));
  }

  /** Signs this person out wherever they are signed in. The table itself does not say whose a session is. */
  async forgetPerson(person: KnownSubject): Promise<void> {
    let after: Buffer = Buffer.alloc(0);
    for (let isMore = true; isMore;) {
      const page = await this.store.identifiedAfter(after, unsealedMax);
      for (const session of page) {
        const signedIn = this.personOf(session);
        if (signedIn && isSamePerson(person, signedIn)) await this.store.end(session.sessionHash);
      }
      isMore = page.length === unsealedMax;
      after = page.at(-1)?.sessionHash ?? after;
    }
  }

  /** Deletes some of what is over. True when there may be more. */
  async sweep(): Promise<boolean> {
    const now = this.clock.now();
    return this.store.sweep(before(now, limits.signInMs), before(now, limits.sessionMs));
  }

  /** Undefined when the key of the seal is gone: the session is over then. */
  private personOf({ sessionHash, person }: SealedSession): SignedIn | undefined {
    const opened = this.seal.open(person, sealContext(sessionHash));
    return opened && (JSON.parse(opened.toString()) as SignedIn);
  }

  private async endSession(request: FastifyRequest, purpose: Purpose): Promise<void> {
    const session = this.cookies.read(request, cookieOf(purpose));
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

  private stored(outcome: SignInOutcome, session: string): StoredOutcome {
    if (outcome.kind !== 'identified') return outcome;
    const plain = Buffer.from(JSON.stringify(outcome.person));
    return { kind: 'identified', person: this.seal.seal(plain, sealContext(hashOf(session))) };
  }
}

const secret = () => randomBytes(32).toString('base64url');

const hashOf = (text: string) => createHash('sha256').update(text).digest();

const before = (now: Date, ms: number) => new Date(now.getTime() - ms);

/** Every purpose has a cookie of its own, so that one authorization request knows nothing of another. */
const cookieOf = (purpose: Purpose) => `session-${hashOf(purpose).toString('hex').slice(0, 16)}`;

const sealContext = (sessionHash: Buffer) => `person session ${sessionHash.toString('hex')}`;
