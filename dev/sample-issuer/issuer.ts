import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Configuration, default as Provider } from 'oidc-provider' with { 'resolution-mode': 'import' };
import { developmentSignIn } from '../../src/config';
import { personsPage } from './page';
import { readChoice } from './choice';

export interface SampleIssuerOptions {
  /** Where browsers and the service find it, without a slash at the end; its path is where it is mounted. */
  url: string;
  /** Where it sends browsers back to. */
  redirectUri: string;
}

/** Answers a request for a path below the issuer's. */
export type SampleIssuer = (request: IncomingMessage, response: ServerResponse) => void;

const lifetimeS = 15 * 60;

/**
 * An issuer for development: OpenID Connect as it should be, except that nobody has a password; whoever comes chooses who to be.
 * It keeps everything in memory, and its keys for as long as it runs.
 */
export async function createSampleIssuer({ url, redirectUri }: SampleIssuerOptions): Promise<SampleIssuer> {
  const { default: OidcProvider } = await import('oidc-provider');
  const mount = new URL(url).pathname;
  const provider = new OidcProvider(url, await configuration(mount, redirectUri));
  const answer = provider.callback();
  const choosing = new RegExp(`^${mount}/sign-in/([A-Za-z0-9_-]+)$`);
  return (request, response) => {
    const chosen = choosing.exec(new URL(request.url ?? '', url).pathname);
    if (chosen) {
      signIn(provider, request, response).catch((error: Error) => {
        // As a rule the cookie is gone, because the choice was made before.
        response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(error.message);
      });
      return;
    }
    // The provider finds its own address by the difference of the two.
    Object.assign(request, { originalUrl: request.url, url: request.url!.slice(mount.length) || '/' });
    void answer(request, response);
  };
}

async function configuration(mount: string, redirectUri: string): Promise<Configuration> {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    clients: [
      {
        client_id: developmentSignIn.clientId,
        client_secret: developmentSignIn.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    interactions: { url: (_context, { uid }) => `${mount}/sign-in/${uid}` },
    findAccount: (_context, subject) => ({ accountId: subject, claims: () => ({ sub: subject }) }),
    // Nobody is asked whether the service may know who signed in: that is what signing in is for here.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ accountId: oidc.session!.accountId, clientId: oidc.client!.clientId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      Grant: lifetimeS,
      IdToken: 300,
      Interaction: lifetimeS,
      Session: 60,
    },
  };
}

/** The page with the sample persons, and what follows from the choice. */
async function signIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return personsPage(response);
  const choice = await readChoice(request);
  if (choice === undefined) return personsPage(response, 'wrong number');
  const result =
    choice === 'unknown'
      ? { error: 'access_denied', error_description: 'The identity cannot be established.' }
      : { login: { accountId: choice.subject, remember: false } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
