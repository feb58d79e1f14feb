import { randomUUID } from 'node:crypto';
import type { IHeaders } from 'kafkajs';

/** The event type of an authorized request. */
export const granted = 'nl.medmij.authorization.granted.v1';
/** A record as an Authorization Server sends it. */
export interface Sent {
  key: string | null;
  value: string | Buffer | null;
  headers: IHeaders;
}

/** A record in binary mode; `headers` add to the usual ones or, when undefined, leave them out. */
export function binary(request: unknown, headers: IHeaders = {}, key: string | null = randomUUID()): Sent {
  const all: IHeaders = {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: 'urn:as',
    ce_type: granted,
    'content-type': 'application/json',
    ...headers,
  };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return { key, value: JSON.stringify(request), headers: Object.fromEntries(present) };
}
