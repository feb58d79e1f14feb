import type { IncomingMessage } from 'node:http';

/** Undefined when it is longer than `limitBytes`. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limitBytes) chunks.push(chunk);
  }
  return bytes > limitBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}

const json = /^application\/json(\s*;\s*charset=utf-8)?$/i;

export const isJson = (request: IncomingMessage): boolean => json.test(request.headers['content-type'] ?? '');
