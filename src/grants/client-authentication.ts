import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { ListStore } from '../medmij-lists';
import type { ClientCertificates } from './client-certificates';
import { TokenRefused } from './token-refusal';

/** What a token request may say of its sender (RFC 6749 section 2.3). */
export interface ClientParameters {
  client_id?: string;
  client_secret?: string;
}

interface Credentials {
  clientId: string;
  secret: string;
}

/**
 * Which client sent a token request: the one its certificate names (RFC 8705), or in development the one that knows the shared
 * secret. It must stand on the client list and on the whitelist at this moment.
 */
export class ClientAuthentication {
  /** @param developmentSecret undefined in production, where no secret is accepted */
  constructor(
    private readonly certificates: ClientCertificates,
    private readonly lists: ListStore,
    private readonly developmentSecret: string | undefined,
  ) {}

  /** @throws TokenRefused */
  authenticate(request: FastifyRequest, parameters: ClientParameters): string {
    const credentials = this.credentialsOf(request, parameters);
    const clientId = credentials ? this.bySecret(credentials) : this.byCertificate(request, parameters.client_id);
    const lists = this.lists.current();
    if (!lists.client(clientId)) throw new TokenRefused('invalid_client', undefined, 'not on the client list');
    if (!lists.isWhitelisted(clientId)) throw new TokenRefused('unauthorized_client', undefined, 'not whitelisted');
    return clientId;
  }

  private credentialsOf(
    { headers: { authorization } }: FastifyRequest,
    { client_id: clientId, client_secret: secret }: ClientParameters,
  ): Credentials | undefined {
    if (authorization === undefined) {
      return secret === undefined ? undefined : { clientId: clientId ?? '', secret };
    }
    if (secret !== undefined) {
      throw new TokenRefused('invalid_request', 'The client must use one method of authentication only.');
    }
    const basic = basicCredentials(authorization);
    if (!basic) throw new TokenRefused('invalid_client', undefined, 'unknown authorization header');
    if (clientId !== undefined && clientId !== basic.clientId) {
      throw new TokenRefused('invalid_request', 'The client_id is not that of the authorization header.');
    }
    return basic;
  }

  private bySecret({ clientId, secret }: Credentials): string {
    if (this.developmentSecret === undefined) throw new TokenRefused('invalid_client', undefined, 'secrets are off');
    // Of equal length whatever was sent, so that the comparison takes the same time.
    const [sent, known] = [secret, this.developmentSecret].map((text) => createHash('sha256').update(text).digest());
    if (!timingSafeEqual(sent!, known!)) throw new TokenRefused('invalid_client', undefined, 'wrong secret');
    return clientId;
  }

  private byCertificate(request: FastifyRequest, clientId: string | undefined): string {
    const certificate = this.certificates.of(request);
    if (!certificate) throw new TokenRefused('invalid_client', undefined, 'no certificate');
    if (clientId !== undefined) {
      if (!certificate.names(clientId)) throw new TokenRefused('invalid_client', undefined, 'certificate of another');
      return clientId;
    }
    // RFC 8705 wants the client_id beside the certificate; without it the certificate must leave no doubt.
    const lists = this.lists.current();
    const [named, another] = certificate.hosts().filter((host) => lists.client(host));
    if (named === undefined) throw new TokenRefused('invalid_client', undefined, 'certificate of no client');
    if (another !== undefined) throw new TokenRefused('invalid_request', 'The client_id is missing.');
    return named;
  }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they go into the header. */
function basicCredentials(authorization: string): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const parts = encoded && /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString());
  if (!parts) return undefined;
  try {
    const [clientId, secret] = parts.slice(1).map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    return { clientId: clientId!, secret: secret! };
  } catch {
    return undefined;
  }
}
