import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { ListStore } from '../medmij-lists';
import type { Clock } from '../platform';
import type { Answer } from './answer';
import type { ClientIdentity, IdentityStore } from './client-identity';
import { addressOf, type HostAddress } from './host-address';

/** The whole call, from the connection to the last byte read. */
const budgetMs = 10_000;
/** Bytes of an answer that are looked at; the rest is not read. */
const bodyBytesMax = 4_096;
const connectionsPerOrigin = 20;
/** Pools kept at most; the one longest unused goes first. */
const poolsMax = 500;

export interface NotificationCall {
  /** Base URI of the client list entry; `/Notification` is added (ext.abo.subnotint.200). */
  baseUri: string;
  body: Record<string, string>;
  requestId: string;
  correlationId: string;
}

export interface ConnectionParts {
  identities: IdentityStore;
  lists: ListStore;
  clock: Clock;
  /** Development only: calls to these names go to these addresses. */
  hostAddresses: Readonly<Record<string, HostAddress>>;
}

/** The HTTP call: mutual TLS, HTTP/1.1, pooled by origin and identity, no redirects, a bounded body, one budget for it all. */
export class NotificationClient {
  private readonly pools = new Map<string, Pool>();

  constructor(private readonly parts: ConnectionParts) {}

  /** Why nothing at all can be sent at `now`; undefined when it can. */
  async heldBackBy(now: Date): Promise<string | undefined> {
    const identity = await this.parts.identities.current(now);
    return 'missing' in identity ? identity.missing : this.staleList();
  }

  async send(call: NotificationCall): Promise<Answer> {
    const { identities, lists, clock } = this.parts;
    const url = new URL(`${call.baseUri.replace(/\/+$/, '')}/Notification`);
    const identity = await identities.current(clock.now());
    if ('missing' in identity) return { kind: 'held_back', reason: identity.missing };
    const stale = this.staleList();
    if (stale !== undefined) return { kind: 'held_back', reason: stale };
    if (!lists.current().isWhitelisted(url.hostname)) return { kind: 'failed', error: 'host_not_whitelisted' };
    const signal = AbortSignal.timeout(budgetMs);
    try {
      const response = await this.poolOf(url, identity).request({
        path: url.pathname,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'medmij-request-id': call.requestId,
          'x-correlation-id': call.correlationId,
        },
        body: JSON.stringify(call.body),
        signal,
      });
      const retryAfter = response.headers['retry-after'];
      return {
        kind: 'answered',
        status: response.statusCode,
        ...(typeof retryAfter === 'string' && { retryAfter }),
        body: await firstBytes(response.body).catch((error: unknown) => {
          // The status alone says that it was accepted: sending it again because of the body would be telling twice.
          if (response.statusCode >= 200 && response.statusCode < 300) return '';
          throw error;
        }),
      };
    } catch (error) {
      return { kind: 'failed', error: signal.aborted ? 'timeout' : failureCode(error) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private staleList(): string | undefined {
    const stale = (['clients', 'whitelist'] as const).filter((name) => !this.parts.lists.isFresh(name));
    return stale.length > 0 ? `the list ${stale.join(', ')} is stale` : undefined;
  }

  private poolOf(url: URL, identity: ClientIdentity): Pool {
    const key = `${identity.fingerprint} ${url.origin}`;
    const pool = this.pools.get(key) ?? this.makePool(url, identity);
    this.pools.delete(key);
    this.pools.set(key, pool);
    if (this.pools.size > poolsMax) this.retireOldest();
    return pool;
  }

  private retireOldest(): void {
    const [key, pool] = this.pools.entries().next().value!;
    this.pools.delete(key);
    void pool.close();
  }

  private makePool(url: URL, { cert, key, ca }: ClientIdentity): Pool {
    const connect = buildConnector({
      cert,
      key,
      ca,
      servername: url.hostname,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      timeout: budgetMs,
    });
    return new Pool(url.origin, {
      connections: connectionsPerOrigin,
      pipelining: 1,
      headersTimeout: budgetMs,
      bodyTimeout: budgetMs,
      allowH2: false,
      connect: (options, callback) => {
        addressOf(url.hostname, url.port === '' ? 443 : Number(url.port), this.parts.hostAddresses).then(
          ({ address, port }) =>
            connect(
              { ...options, hostname: address, host: address, port: String(port), servername: url.hostname },
              callback,
            ),
          (error: Error) => callback(error, null),
        );
      },
    });
  }
}

/** Reads up to the limit and lets go of the rest. */
async function firstBytes(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= bodyBytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bodyBytesMax).toString('utf8');
}

/** A short name of what went wrong, without addresses or certificate texts. */
function failureCode(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  const cause = (error as { cause?: { code?: unknown } }).cause?.code;
  for (const candidate of [code, cause]) if (typeof candidate === 'string') return candidate;
  return error instanceof Error ? error.name : 'unknown error';
}
