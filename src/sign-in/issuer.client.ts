import { Agent, request } from 'undici';
import { boundedBody } from '../platform';

/** Host names that are somewhere else in development (DEV_HOSTS). */
export type HostAddresses = Readonly<Record<string, { address: string; port: number }>>;

/** Bytes of an answer of the issuer: its metadata and keys are a few thousand. */
const answerBytesMax = 256 * 1024;
const connectMsMax = 5_000;

/** The issuer does not answer, or not sensibly: nothing it says about a person. */
export class IssuerAway extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`The issuer is away: ${reason}.`, options);
    this.name = 'IssuerAway';
  }
}

interface IssuerRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * Calls to the issuer as `openid-client` makes them (the shape of `fetch`): no redirects, a bounded answer. A connection for
 * each, for there are two calls a sign-in.
 * @throws IssuerAway when there is no answer in time, or one that says that the issuer cannot answer now (429, 5xx)
 */
export function issuerFetch(hostAddresses: HostAddresses) {
  return async (address: string, { method = 'GET', headers, body, signal }: IssuerRequest): Promise<Response> => {
    const url = new URL(address);
    const known = hostAddresses[url.hostname];
    const target = new URL(url);
    if (known) Object.assign(target, { hostname: known.address, port: String(known.port) });
    // The certificate is checked for the name that was asked for, wherever the name leads.
    const agent = new Agent({ connect: { servername: url.hostname, minVersion: 'TLSv1.2', timeout: connectMsMax } });
    try {
      const answer = await request(target, {
        dispatcher: agent,
        method: method as 'GET' | 'POST',
        headers: { ...headers, host: url.host },
        body: body === undefined || body === null ? null : String(body as string | URLSearchParams),
        signal,
      });
      const tooLarge = () => new IssuerAway(`its answer has more than ${answerBytesMax} bytes`);
      const bytes = await boundedBody(answer.body, answerBytesMax, tooLarge);
      if (answer.statusCode === 429 || answer.statusCode >= 500) {
        throw new IssuerAway(`it answered with status ${answer.statusCode}`);
      }
      const contentType = answer.headers['content-type'];
      return new Response(bytes, {
        status: answer.statusCode,
        headers: typeof contentType === 'string' ? { 'content-type': contentType } : {},
      });
    } catch (error) {
      if (error instanceof IssuerAway) throw error;
      throw new IssuerAway((error as { code?: string }).code ?? (error as Error).name, { cause: error });
    } finally {
      await agent.destroy();
    }
  };
}
