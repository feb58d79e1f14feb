import { isTraceparent, readJsonDocument, UnreadableJson } from '../platform';
import { Refused } from '../refusals';
import type { IncomingRecord, OutgoingRecord } from './event-transport';

/** A CloudEvents 1.0 event. `extensions` are lower-case names with text values. */
export interface CloudEvent {
  id: string;
  source: string;
  type: string;
  subject?: string;
  time?: string;
  extensions: Record<string, string>;
  data: unknown;
}

const attributes = ['id', 'source', 'type', 'subject', 'time'] as const;

/** Kafka binding, binary mode: attributes as `ce_*` headers, the data as JSON in the value. */
export function toRecord(event: CloudEvent, topic: string, key: string): OutgoingRecord {
  const headers: Record<string, string> = { ce_specversion: '1.0', 'content-type': 'application/json' };
  for (const name of attributes) {
    const value = event[name];
    if (value !== undefined) headers[`ce_${name}`] = value;
  }
  for (const [name, value] of Object.entries(event.extensions)) headers[`ce_${name}`] = value;
  return { topic, key, headers, value: JSON.stringify(event.data) };
}

/**
 * Reads binary mode (`ce_*` headers) or structured mode (`content-type: application/cloudevents+json`).
 * @throws Refused `malformed_request` or `unsupported_media_type`; its text quotes nothing of the record.
 */
export function fromRecord(record: IncomingRecord): CloudEvent {
  const headers = readHeaders(record);
  const [mediaType = ''] = (headers.get('content-type') ?? '').split(';');
  if (mediaType.trim().toLowerCase() === 'application/cloudevents+json') return structured(readJson(record.value));
  if (mediaType !== '' && mediaType.trim().toLowerCase() !== 'application/json') {
    throw new Refused(
      'unsupported_media_type',
      'The content-type is neither application/json nor application/cloudevents+json.',
    );
  }
  const envelope = new Map(
    [...headers].filter(([name]) => name.startsWith('ce_')).map(([name, value]) => [name.slice(3), value]),
  );
  return fromAttributes(envelope, readJson(record.value));
}

function structured(body: unknown): CloudEvent {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw malformed('The structured event is not an object.');
  const { data, ...rest } = body as Record<string, unknown>;
  const envelope = new Map<string, string>();
  for (const [name, value] of Object.entries(rest)) {
    if (value === null) continue; // JSON's way of leaving an attribute out
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw malformed('An attribute of the structured event is not a text.');
    envelope.set(name, String(value));
  }
  const contentType = envelope.get('datacontenttype');
  if (contentType !== undefined && !/^application\/json(;|$)/i.test(contentType)) {
    throw new Refused('unsupported_media_type', 'The datacontenttype is not application/json.');
  }
  return fromAttributes(envelope, data);
}

function fromAttributes(envelope: Map<string, string>, data: unknown): CloudEvent {
  if (envelope.get('specversion') !== '1.0') throw malformed('The record is not a CloudEvent of specversion 1.0.');
  const [id, source, type] = ['id', 'source', 'type'].map((name) => envelope.get(name));
  if (!id || !source || !type) throw malformed('The CloudEvent lacks one of id, source and type.');
  const known = new Set<string>([...attributes, 'specversion', 'datacontenttype']);
  // It goes on as it is, into events and into the headers of notifications: another text than a W3C trace context stays here.
  if (!isTraceparent(envelope.get('traceparent'))) envelope.delete('traceparent');
  return {
    id,
    source,
    type,
    subject: envelope.get('subject'),
    time: envelope.get('time'),
    extensions: Object.fromEntries([...envelope].filter(([name]) => !known.has(name))),
    data,
  };
}

function readHeaders({ headers }: IncomingRecord): Map<string, string> {
  const read = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    if (!lower.startsWith('ce_') && lower !== 'content-type') continue;
    if (Array.isArray(value) || read.has(lower)) throw malformed('A header is given twice.');
    read.set(lower, utf8(Buffer.from(value)));
  }
  return read;
}

/** 64 KiB, as at the HTTP door (contract.md 3). */
const valueBytesMax = 64 * 1024;

function readJson(value: Buffer | null): unknown {
  if (value === null || value.length === 0) throw malformed('The record has no value.');
  if (value.length > valueBytesMax) throw new Refused('payload_too_large');
  try {
    return readJsonDocument(value);
  } catch (error) {
    throw error instanceof UnreadableJson ? malformed(`The value ${error.message}.`) : error;
  }
}

function utf8(value: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value);
  } catch {
    throw malformed('A header is not valid UTF-8.');
  }
}

function malformed(detail: string): Refused {
  return new Refused('malformed_request', detail);
}
