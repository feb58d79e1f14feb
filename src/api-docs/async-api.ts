import { z } from 'zod';
import { clientEventDataSchemas } from '../clients';
import { authorizedRequest } from '../intake';
import { resourceChange } from '../resource-changes';
import { eventDataSchemas } from '../subscriptions';
import { topics } from '../transport';

/** Headers of binary mode, those that every event has and those that it may have. */
const headers = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'content-type'],
  properties: {
    ce_specversion: { const: '1.0' },
    ce_id: { type: 'string' },
    ce_source: { type: 'string', format: 'uri-reference' },
    ce_type: { type: 'string' },
    ce_subject: { type: 'string' },
    ce_time: { type: 'string', format: 'date-time' },
    ce_streamversion: { type: 'string' },
    ce_correlationid: { type: 'string' },
    ce_causationid: { type: 'string' },
    ce_traceparent: { type: 'string' },
    'content-type': { const: 'application/json' },
  },
};

const deadLetterHeaders = {
  type: 'object',
  required: ['x-dead-letter-reason', 'x-dead-letter-topic', 'x-dead-letter-partition', 'x-dead-letter-offset'],
  properties: Object.fromEntries(
    ['reason', 'detail', 'topic', 'partition', 'offset'].map((name) => [`x-dead-letter-${name}`, { type: 'string' }]),
  ),
};

/** The topics of this service as an AsyncAPI 3 document, from the schemas that the code itself uses. */
export function asyncApi(topicPrefix: string): object {
  const granted = 'nl.medmij.authorization.granted.v1';
  const changed = 'nl.medmij.resource.changed.v1';
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'medmij-subscriptions',
      version: '1.0.0',
      description:
        'CloudEvents 1.0 over Kafka. A consumer that drops known ce_id sees every event once, in order for each key.',
    },
    defaultContentType: 'application/json',
    channels: {
      subscriptions: channel(topicPrefix, topics.subscriptions.name, outgoing(eventDataSchemas)),
      clients: channel(topicPrefix, topics.clients.name, outgoing(clientEventDataSchemas)),
      authorizations: channel(topicPrefix, topics.authorizations.name, {
        [granted]: message(granted, authorizedRequest, headers),
      }),
      resourceChanges: channel(topicPrefix, topics.resourceChanges.name, {
        [changed]: message(changed, resourceChange, headers),
      }),
      deadLetters: channel(topicPrefix, topics.deadLetters.name, {
        'refused record': {
          name: 'refused record',
          contentType: 'application/octet-stream',
          headers: deadLetterHeaders,
          payload: {},
        },
      }),
    },
    operations: {
      publishSubscriptionEvents: { action: 'send', channel: { $ref: '#/channels/subscriptions' } },
      publishClientEvents: { action: 'send', channel: { $ref: '#/channels/clients' } },
      receiveAuthorizations: { action: 'receive', channel: { $ref: '#/channels/authorizations' } },
      receiveResourceChanges: { action: 'receive', channel: { $ref: '#/channels/resourceChanges' } },
      publishDeadLetters: { action: 'send', channel: { $ref: '#/channels/deadLetters' } },
    },
  };
}

function outgoing(schemas: Record<string, z.ZodType>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [type, message(type, schema, headers)] as const),
  );
}

function channel(prefix: string, topic: string, messages: Record<string, object>): object {
  return { address: `${prefix}${topic}`, messages };
}

function message(name: string, schema: z.ZodType, messageHeaders: object): object {
  const { $schema: _dialect, ...payload } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return { name, contentType: 'application/json', headers: messageHeaders, payload };
}
