import { isClientEvent } from '../clients';
import { type Fact, type LogAccess, LogFollower, type StoredEvent } from '../event-store';
import { Tracing } from '../platform';
import { type CloudEvent, type EventTransport, toRecord, topics } from '../transport';

/** Events published in one batch. */
const pageSize = 500;

/** The relay's name: its lease and checkpoint. */
export const relayReader = 'relay';

/** The reader of the log that publishes it: every event once or, after a failure, once more, in order for each stream. */
export function createRelay(
  access: LogAccess,
  transport: EventTransport,
  source: string,
  tracing = Tracing.off,
): LogFollower<Fact> {
  const publish = (page: StoredEvent[]) =>
    transport.publish(
      page.map((event) => {
        const { topic, key } = placeOf(event);
        return toRecord(cloudEvent(event, source), topic, key);
      }),
    );
  return new LogFollower(access, {
    name: relayReader,
    pageSize,
    before: tracing.isOn ? (page) => traced(page, tracing, publish) : publish,
  });
}

/**
 * A span for each event in the trace of the request that caused it; the page as a whole is in the log. What goes out names the request's
 * own span, as it was recorded: an event that is published twice is the same to the byte.
 */
async function traced(
  page: StoredEvent[],
  tracing: Tracing,
  publish: (page: StoredEvent[]) => Promise<void>,
): Promise<void> {
  const spans = page.flatMap((event) => {
    const { traceparent, correlation_id } = event.metadata;
    if (traceparent === undefined) return [];
    const { topic } = placeOf(event);
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.destination.name': topic,
      'messaging.message.id': event.event_id,
      'medmij.correlation_id': correlation_id,
    };
    return [tracing.begin({ kind: 'leaving', name: `send ${topic}`, parent: traceparent, attributes })];
  });
  try {
    await publish(page);
    for (const span of spans) span?.end();
  } catch (error) {
    for (const span of spans) span?.end({}, 'failed');
    throw error;
  }
}

/** Where an event goes: the streams of subscriptions by their ids, those of clients by the clients' own (contract.md 5). */
export function placeOf(event: StoredEvent): { topic: string; key: string } {
  return isClientEvent(event)
    ? { topic: topics.clients.name, key: event.data.client_id }
    : { topic: topics.subscriptions.name, key: event.stream_id };
}

/** An event of the log as contract.md 5 shows it: the data go out as they were recorded. */
export function cloudEvent(event: StoredEvent, source: string): CloudEvent {
  const { metadata, data } = event;
  return {
    id: event.event_id,
    source,
    type: event.type,
    subject: isClientEvent(event) ? event.data.client_id : (data as { subscription_id: string }).subscription_id,
    time: event.occurred_at.toISOString(),
    extensions: {
      streamversion: String(event.version),
      correlationid: metadata.correlation_id,
      causationid: metadata.causation_id,
      ...(metadata.traceparent !== undefined && { traceparent: metadata.traceparent }),
    },
    data,
  };
}
