import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readJsonDocument, UnreadableJson } from '../platform';
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
      try {
        refuseOtherEncodings(request);
        done(null, readJsonDocument(body as Buffer));
      } catch (error) {
        const refused =
          error instanceof UnreadableJson ? new Refused('malformed_request', `The body ${error.message}.`) : error;
        done(refused as Error);
      }
    },
  );
}

function refuseOtherEncodings({ headers }: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw new Refused('unsupported_media_type', 'The charset must be utf-8.');
  }
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new Refused('unsupported_media_type', 'The body must be sent without a content encoding.');
  }
}
