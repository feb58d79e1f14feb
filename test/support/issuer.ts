import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CryptoKey, JWTPayload } from 'jose' with { 'resolution-mode': 'import' };

/** How the issuer answers; what a test does not set is as it should be. */
export interface IssuerBehaviour {
  /** Who signs in next: the `sub` of the ID token. */
  subject: string;
  /** Query parameters of the answer by the browser instead of a code, such as an error. */
  redirect?: Record<string, string>;
  /** Over the claims of the ID token; undefined leaves a claim out. */
  claims?: JWTPayload;
  /** Signs with a key that is not published. */
  foreignKey?: boolean;
  /** Instead of the tokens; `hang up` ends the connection without a word. */
  token?: { status: number; body: string; contentType?: string } | 'hang up';
  metadata?: Record<string, unknown>;
}

interface Asked {
  parameters: URLSearchParams;
  subject: string;
}

const algorithm = 'ES256';

/** A real HTTP server that plays the issuer: nobody is asked anything, whoever the test names is signed in at once. */
export class TestIssuer {
  behaviour: IssuerBehaviour = { subject: randomUUID() };
  /** The parameters of every request to sign in, in the order they came. */
  readonly asked: Record<string, string>[] = [];
  private readonly codes = new Map<string, Asked>();
  private server?: Server;
  private port = 0;
  private keys?: { own: CryptoKey; foreign: CryptoKey; published: object };

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Starts on the port of the last time, or on a free one. */
  async start(): Promise<void> {
    const { exportJWK, generateKeyPair } = await import('jose');
    if (!this.keys) {
      const [own, foreign] = await Promise.all([generateKeyPair(algorithm), generateKeyPair(algorithm)]);
      const published = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: algorithm, use: 'sig' };
      this.keys = { own: own.privateKey, foreign: foreign.privateKey, published };
    }
    const server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, 'localhost', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, this.url);
    if (pathname === '/.well-known/openid-configuration') return json(response, 200, this.metadata());
    if (pathname === '/jwks') return json(response, 200, { keys: [this.keys!.published] });
    if (pathname === '/authorize') return this.signIn(searchParams, response);
    if (pathname === '/token') return this.token(request, response);
    json(response, 404, {});
  }

  private metadata(): object {
    return {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [algorithm],
      authorization_response_iss_parameter_supported: true,
      ...this.behaviour.metadata,
    };
  }

  private signIn(parameters: URLSearchParams, response: ServerResponse): void {
    this.asked.push(Object.fromEntries(parameters));
    const code = randomUUID();
    this.codes.set(code, { parameters, subject: this.behaviour.subject });
    const back = new URL(parameters.get('redirect_uri')!);
    const answer = { state: parameters.get('state')!, iss: this.url, ...(this.behaviour.redirect ?? { code }) };
    back.search = new URLSearchParams(answer).toString();
    response.writeHead(302, { location: back.href }).end();
  }

  private async token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = this.behaviour;
    if (token === 'hang up') return void response.destroy();
    if (token)
      return void response
        .writeHead(token.status, { 'content-type': token.contentType ?? 'application/json' })
        .end(token.body);
    const form = new URLSearchParams(await textOf(request));
    const asked = this.codes.get(form.get('code') ?? '');
    this.codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood =
      asked?.parameters.get('code_challenge') === challenge &&
      asked.parameters.get('redirect_uri') === form.get('redirect_uri');
    if (!isGood || !/^Basic /.test(request.headers.authorization ?? '')) {
      return json(response, 400, { error: 'invalid_grant' });
    }
    json(response, 200, { access_token: randomUUID(), token_type: 'Bearer', id_token: await this.idToken(asked) });
  }

  private async idToken({ parameters, subject }: Asked): Promise<string> {
    const { SignJWT } = await import('jose');
    const now = Math.floor(Date.now() / 1000);
    const claims: JWTPayload = {
      iss: this.url,
      aud: parameters.get('client_id')!,
      sub: subject,
      nonce: parameters.get('nonce')!,
      iat: now,
      exp: now + 60,
      auth_time: now,
      ...this.behaviour.claims,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid: 'own' })
      .sign(this.behaviour.foreignKey ? this.keys!.foreign : this.keys!.own);
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}
