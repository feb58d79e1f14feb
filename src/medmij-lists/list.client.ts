import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { listBytesMax } from './list-document';
import { boundedBody } from '../platform';
import { ListRefused } from './list-refused';
import type { ListSource } from './list.source';

/** Our certificate and key for publishers that want mutual TLS, and whom we trust instead of the system's authorities. */
export interface ListTlsFiles {
  certFile?: string;
  keyFile?: string;
  caFile?: string;
}

/** From the connection to the last byte. */
const fetchMsMax = 60_000;
const connectMsMax = 10_000;

/**
 * A list over https: conditional requests by what the publisher said of the last answer, no redirects, a bounded body. The
 * files are read at each fetch, so that a renewed certificate counts from the next one.
 */
export function httpsSource(files: ListTlsFiles): ListSource {
  let validators: Record<string, string> = {};
  return async (url) => {
    const agent = new Agent({ connect: { ...(await tlsOf(files)), minVersion: 'TLSv1.2', timeout: connectMsMax } });
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        headers: { accept: 'application/xml, text/xml', 'accept-encoding': 'identity', ...validators },
        signal: AbortSignal.timeout(fetchMsMax),
      });
      if (statusCode === 304 && Object.keys(validators).length > 0) return 'unchanged';
      if (statusCode !== 200) throw new ListRefused(null, `the publisher answered with status ${statusCode}`);
      const tooLarge = () => new ListRefused(null, `bigger than ${listBytesMax} bytes`);
      const bytes = await boundedBody(body, listBytesMax, tooLarge);
      validators = validatorsOf(headers);
      return bytes;
    } catch (error) {
      if (error instanceof ListRefused) throw error;
      throw new ListRefused(null, `it cannot be fetched (${reasonOf(error)})`, { cause: error });
    } finally {
      await agent.destroy();
    }
  };
}

async function tlsOf({
  certFile,
  keyFile,
  caFile,
}: ListTlsFiles): Promise<{ cert?: Buffer; key?: Buffer; ca?: Buffer }> {
  const read = async (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  try {
    const [cert, key, ca] = await Promise.all([read(certFile), read(keyFile), read(caFile)]);
    return { cert, key, ca };
  } catch (cause) {
    throw new ListRefused(null, 'a file of LIST_TLS_CERT, LIST_TLS_KEY or LIST_TLS_CA cannot be read', { cause });
  }
}

function validatorsOf(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const { etag, 'last-modified': lastModified } = headers;
  return {
    ...(typeof etag === 'string' && { 'if-none-match': etag }),
    ...(typeof lastModified === 'string' && { 'if-modified-since': lastModified }),
  };
}

function reasonOf(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return `no whole answer within ${fetchMsMax / 1000} s`;
  return (error as { code?: string }).code ?? 'unknown error';
}
