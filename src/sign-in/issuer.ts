import type * as OpenidClient from 'openid-client' with { 'resolution-mode': 'import' };
import { type CheckResult, describeError, type Logger } from '../platform';
import { type HostAddresses, IssuerAway, issuerFetch } from './issuer.client';
import type { SignInOutcome } from './sign-in.outcome';

export interface IssuerOptions {
  /** `https:`, or in development `http:` on loopback. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** The claim of the ID token that holds the subject. */
  subjectClaim: string;
  redirectUri: string;
  hostAddresses: HostAddresses;
  /** The development issuer comes with the sample client, which need not run: its absence is no fault. */
  mayBeAway: boolean;
}

/** What a sign-in under way expects of the answer, and what it must not be without. */
export interface Expected {
  state: string;
  nonce: string;
  codeVerifier: string;
  /** Since it was begun. */
  elapsedMs: number;
}

/** What the issuer says: who signed in, with the claims of the ID token; or as in SignInOutcome. */
export type IssuerAnswer =
  { kind: 'identified'; subject: string; claims: Record<string, unknown> } | { kind: 'failed' | 'outage' };

/** One call to the issuer. */
const callMsMax = 5_000;
/** The metadata is asked for anew after this long, so that readiness knows of an issuer that is away. */
const metadataFreshMs = 60_000;
/** How far the clocks of the issuer and ours may be apart. */
const clockToleranceS = 60;
/** Visible ASCII, no space: a subject is a number or a key, and whatever else comes was made by a fault. */
const subjectForm = /^[\x21-\x7e]{1,255}$/;
/** Errors of the token endpoint that are about us, not about the person (RFC 6749 section 5.2). */
const errorsOfOurs = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type']);

/** The issuer that knows persons, by OpenID Connect: authorization code flow with PKCE, state and nonce. */
export class Issuer {
  private known?: { configuration: OpenidClient.Configuration; since: number };
  private asking?: Promise<OpenidClient.Configuration>;

  constructor(
    private readonly openid: typeof OpenidClient,
    private readonly options: IssuerOptions,
    private readonly log: Logger,
  ) {}

  /**
   * Where the browser goes to sign in. Always a fresh sign-in: whoever was at this browser before is not who is at it now.
   * @throws IssuerAway
   */
  async signInUrl({ state, nonce, codeVerifier }: Omit<Expected, 'elapsedMs'>): Promise<URL> {
    return this.openid.buildAuthorizationUrl(await this.configuration(), {
      redirect_uri: this.options.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state,
      nonce,
      code_challenge: await this.openid.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      prompt: 'login',
      max_age: '0',
    });
  }

  /** Who the issuer says it is; `search` is the query of the address that it sent the browser to. Never throws. */
  async outcomeOf(search: string, expected: Expected): Promise<SignInOutcome> {
    const answer = await this.answerOf(search, expected);
    return answer.kind === 'identified' ? { kind: 'identified', person: { subject: answer.subject } } : answer;
  }

  /** The same with everything else that the ID token says. Never throws. */
  async answerOf(search: string, expected: Expected): Promise<IssuerAnswer> {
    try {
      const claims = await this.claimsOf(new URL(`${this.options.redirectUri}${search}`), expected);
      const subject = claims?.[this.options.subjectClaim];
      if (claims && typeof subject === 'string' && subjectForm.test(subject)) {
        return { kind: 'identified', subject, claims };
      }
      this.log.warn({ reason: 'no fit subject claim' }, 'sign-in.failed');
      return { kind: 'failed' };
    } catch (error) {
      return this.faultOf(error);
    }
  }

  /** @throws IssuerAway */
  async configuration(): Promise<OpenidClient.Configuration> {
    if (this.known && performance.now() - this.known.since < metadataFreshMs) return this.known.configuration;
    this.asking ??= this.discover().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** For readiness: without the issuer nobody can sign in, and everything else goes on. */
  async check(): Promise<CheckResult> {
    if (this.options.mayBeAway) return { status: 'ok' };
    try {
      await this.configuration();
      return { status: 'ok' };
    } catch (error) {
      return { status: 'degraded', reason: (error as Error).message };
    }
  }

  private async claimsOf(address: URL, { state, nonce, codeVerifier, elapsedMs }: Expected) {
    const tokens = await this.openid.authorizationCodeGrant(await this.configuration(), address, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
      // Signed in since this sign-in began, by the issuer's own word.
      maxAge: Math.ceil(elapsedMs / 1000),
    });
    return tokens.claims();
  }

  private async discover(): Promise<OpenidClient.Configuration> {
    const { openid, options } = this;
    const { issuer, clientId, clientSecret, hostAddresses } = options;
    try {
      const configuration = await openid.discovery(
        new URL(issuer),
        clientId,
        { [openid.clockTolerance]: clockToleranceS },
        (server, ...rest) => {
          const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
          const way = methods.includes('client_secret_basic') ? openid.ClientSecretBasic : openid.ClientSecretPost;
          return way(clientSecret)(server, ...rest);
        },
        {
          timeout: callMsMax / 1000,
          [openid.customFetch]: issuerFetch(hostAddresses),
          execute: [
            // The signature too, not only that the token came over the connection to the issuer.
            openid.enableNonRepudiationChecks,
            ...(issuer.startsWith('http:') ? [openid.allowInsecureRequests] : []),
          ],
        },
      );
      this.known = { configuration, since: performance.now() };
      return configuration;
    } catch (error) {
      if (this.known) this.log.warn({ error: describeError(error) }, 'sign-in.issuer_away');
      throw awayBehind(error) ?? new IssuerAway('its metadata cannot be read', { cause: error });
    }
  }

  /** Nothing of what the issuer or the browser wrote goes into the log, except codes of a closed list. */
  private faultOf(error: unknown): { kind: 'failed' | 'outage' } {
    const { AuthorizationResponseError, ResponseBodyError, ClientError } = this.openid;
    if (awayBehind(error)) {
      this.log.warn({ reason: awayBehind(error)!.message }, 'sign-in.outage');
      return { kind: 'outage' };
    }
    if (error instanceof ResponseBodyError && errorsOfOurs.has(error.error)) {
      this.log.error({ reason: `the issuer refuses us: ${error.error}` }, 'sign-in.outage');
      return { kind: 'outage' };
    }
    const reason =
      error instanceof AuthorizationResponseError
        ? 'the issuer answered with an error'
        : error instanceof ResponseBodyError
          ? 'the issuer refuses the code'
          : error instanceof ClientError
            ? (error.code ?? 'an answer that means nothing')
            : 'an answer that cannot be read';
    this.log.warn({ reason }, 'sign-in.failed');
    return { kind: 'failed' };
  }
}

function awayBehind(error: unknown): IssuerAway | undefined {
  if (error instanceof IssuerAway || error === undefined) return error;
  const { cause, code } = error as { cause?: unknown; code?: unknown };
  if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT') return new IssuerAway('no answer in time', { cause: error });
  return cause === undefined || cause === error ? undefined : awayBehind(cause);
}
