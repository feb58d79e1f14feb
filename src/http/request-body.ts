import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readJsonDocument, UnreadableJson } from '../platform';
import { Refused } from '../refusals';
import { readForm } from './form';
import { type BodyKind, bodyKindOf } from './route-kind';

/** Bytes of a body (contract.md 3). */
export const bodyBytesMax = 64 * 1024;

/** Two kinds of bodies, both in UTF-8; a route takes one of them, and Fastify itself refuses every other content type. */
export function registerBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  register(fastify, 'application/json', 'json', readJson);
  register(fastify, 'application/x-www-form-urlencoded', 'form', readForm);
}

function register(fastify: FastifyInstance, contentType: string, kind: BodyKind, read: (body: Buffer) => unknown) {
  fastify.addContentTypeParser(contentType, { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (request, body, done) => {
    try {
      // A form can be sent by any page anywhere: only a route that is made for one takes it.
      if (bodyKindOf(request) !== kind) throw new Refused('unsupported_media_type');
      refuseOtherEncodings(request);
      done(null, read(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function readJson(body: Buffer): unknown {
  try {
    return readJsonDocument(body);
  } catch (error) {
    throw error instanceof UnreadableJson ? new Refused('malformed_request', `The body ${error.message}.`) : error;
  }
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
