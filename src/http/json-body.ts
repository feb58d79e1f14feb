import type { FastifyInstance } from 'fastify';
import { Refused } from '../refusals';

/** Bytes of a body (contract.md 3). */
export const bodyBytesMax = 64 * 1024;

/** JSON in UTF-8 and nothing else; every other content type is refused by Fastify itself. */
export function registerJsonBody(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    (request, body, done) => {
      const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
      if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
        done(new Refused('unsupported_media_type', 'The charset must be utf-8.'));
        return;
      }
      try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer);
        done(null, JSON.parse(text));
      } catch (error) {
        const detail = error instanceof SyntaxError ? 'The body is not valid JSON.' : 'The body is not valid UTF-8.';
        done(new Refused('malformed_request', detail));
      }
    },
  );
}
