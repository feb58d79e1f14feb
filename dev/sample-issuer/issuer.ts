import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientMetadata, Configuration, default as Provider } from 'oidc-provider' with {
  'resolution-mode': 'import',
};
import { developmentOperatorSignIn, developmentSignIn } from '../../src/config';
import { readChoice } from './choice';
import { keptInMemory } from './kept-in-memory';
import { sampleOperator } from './operators';
import { operatorsPage, personsPage } from './page';

export interface SampleIssuerOptions {
  /** Where browsers and the service find it, without a slash at the end; its path is where it is mounted. */
  url: string;
  /** Where it sends browsers of persons back to. */
  redirectUri: string;
  /** The same for operators, when there are any. */
  operatorRedirectUri?: string;
}

/** Answers a request for a path below the issuer's. */
export type SampleIssuer = (request: IncomingMessage, response: ServerResponse) => void;

const lifetimeS = 15 * 60;

/**
 * An issuer for development: OpenID Connect as it should be, except that nobody has a password; whoever comes chooses who to be:
 * a sample person, or for the operator page a sample operator.
 * It keeps everything in memory, and its keys for as long as it runs.
 */
export async function createSampleIssuer({
  url,
  redirectUri,
  operatorRedirectUri,
}: SampleIssuerOptions): Promise<SampleIssuer> {
  const { default: OidcProvider } = await import('oidc-provider');
  const mount = new URL(url).pathname;
  const provider = new OidcProvider(
    url,
    await configuration(mount, [
      clientOf(developmentSignIn, redirectUri),
      ...(operatorRedirectUri === undefined ? [] : [clientOf(developmentOperatorSignIn, operatorRedirectUri)]),
    ]),
  );
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

function clientOf({ clientId, clientSecret }: typeof developmentSignIn, redirectUri: string): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  };
}

async function configuration(mount: string, clients: ClientMetadata[]): Promise<Configuration> {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    adapter: keptInMemory(),
    clients,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    renderError: (context, { error, error_description: description }) => {
      context.type = 'text/plain';
      context.body = description ?? error;
    },
    interactions: { url: (_context, { uid }) => `${mount}/sign-in/${uid}` },
    findAccount: (_context, subject) => ({
      accountId: subject,
      claims: () => ({ sub: subject, scope: sampleOperator(subject)?.scope }),
    }),
    // What an operator may do stands in the ID token itself.
    claims: { openid: ['sub', 'scope'] },
    conformIdTokenClaims: false,
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
  const { params } = await provider.interactionDetails(request, response);
  const isOperator = params.client_id === developmentOperatorSignIn.clientId;
  if (request.method !== 'POST') return isOperator ? operatorsPage(response) : personsPage(response);
  const choice = await readChoice(request, isOperator);
  if (choice === undefined) return isOperator ? operatorsPage(response) : personsPage(response, 'wrong number');
  const result =
    choice === 'unknown'
      ? { error: 'access_denied', error_description: 'The identity cannot be established.' }
      : { login: { accountId: choice.subject, remember: false } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}
