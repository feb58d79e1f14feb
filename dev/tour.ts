import { setTimeout as pause } from 'node:timers/promises';
import { bold, cyan, green, quiet, say } from './console';
import { Problem, Stopped } from './problem';
import type { ReceivedNotification } from './sample-client/received';
import { samplePerson } from './sample-person';
import { authorizationRequest, call, type RecordedAuthorization, resourceChange } from './service-calls';
import type { Settings } from './settings';
import { issueToken } from './tokens';
import { TopicWatch, type ReadBackEvent } from './topic-watch';

const eventWithinMs = 20_000;
const notificationWithinMs = 30_000;

const provider = 'eenofanderezorgaanbieder';
const stops: readonly { title: string; scope?: string }[] = [
  { title: 'Subscribe for 180 days', scope: `subscribe~180/${provider}~42` },
  { title: 'Adjust to 90 days', scope: `subscribe~90/${provider}~42` },
  { title: 'Something new about this person' },
  { title: 'Terminate', scope: `subscribe~0/${provider}~42` },
];

interface SubscriptionItem {
  readonly status: string;
  readonly end_date: string;
  readonly version: number;
  readonly end_reason: string | null;
}

/** Sends the three example requests and a resource change through for a person nobody has met, and shows what came out at every end. */
export async function giveTour(settings: Settings, brokers: string[], signal: AbortSignal): Promise<void> {
  const { dataDir, topicPrefix } = settings;
  const tokens = {
    write: await issueToken({ dataDir, scopes: ['authorizations:write'] }),
    read: await issueToken({ dataDir, scopes: ['ops:read'] }),
    change: await issueToken({ dataDir, scopes: ['resource-changes:write'] }),
  };
  const subject = samplePerson();
  say(`\n${bold('A short tour')} ${quiet(`for sample person ${subject}, client localhost`)}`);
  const watch = await TopicWatch.open(brokers, `${topicPrefix}medmij.subscriptions.v1`);
  try {
    for (const [index, stop] of stops.entries()) {
      if (signal.aborted) throw new Stopped();
      say(`\n${bold(`${index + 1}. ${stop.title}`)}`);
      if (stop.scope === undefined) await showChange(subject, settings, tokens.change, signal);
      else await show(stop.scope, subject, settings, tokens, watch, signal);
    }
  } finally {
    await watch.close();
  }
}

async function show(
  scope: string,
  subject: string,
  settings: Settings,
  tokens: { write: string; read: string },
  watch: TopicWatch,
  signal: AbortSignal,
): Promise<void> {
  const before = (await notificationsReceived(settings)).length;
  const request = authorizationRequest(scope, subject);
  row('request', `POST /authorizations  ${cyan(scope)}`);
  row('', quiet(JSON.stringify(request)));
  const { status, body: recorded } = await call<RecordedAuthorization>(
    settings.serviceUrl,
    '/authorizations',
    tokens.write,
    request,
  );
  const { subscription_id: id, position } = recorded;
  row('answer', `${status}  ${recorded.status}, ends ${recorded.end_date}, version ${recorded.version}  ${quiet(id)}`);

  const event = await orStopped(watch.find(isEventOf(recorded), `The event of ${id}`, eventWithinMs), signal);
  const { headers, data } = event;
  row('Kafka', `${cyan(headers.ce_type ?? '')}  ends ${String(data.end_date)}`);
  row('', quiet(`${event.topic}, partition ${event.partition}, offset ${event.offset}, ce_id ${headers.ce_id}`));

  const path = `/ops/api/subscriptions/${id}?wait_for=${encodeURIComponent(position)}`;
  const { body: item } = await call<SubscriptionItem>(settings.serviceUrl, path, tokens.read);
  const reason = item.end_reason ? `, because of ${item.end_reason}` : '';
  row('projection', `${green(item.status)}, ends ${item.end_date}, version ${item.version}${reason}`);

  const isOurs = (item: ReceivedNotification) => item.subscription_id === id && item.end_date === recorded.end_date;
  const notification = await notificationAfter(before, isOurs, settings, signal);
  const delayMs = Date.parse(notification.received_at) - Date.parse(request.authorized_at);
  row(
    'notified',
    `${notification.notification_type}, ends ${notification.end_date}  ${quiet(`${delayMs} ms after the request`)}`,
  );
}

/** A source system says that there is something new; the client is told that, and nothing of what it is. */
async function showChange(subject: string, settings: Settings, token: string, signal: AbortSignal): Promise<void> {
  const before = (await notificationsReceived(settings)).length;
  const change = resourceChange(subject, provider);
  row('request', `POST /resource-changes  ${cyan(`${provider}~${change.service_id}`)}`);
  row('', quiet(JSON.stringify(change)));
  const { status, body } = await call<{ notifications: number }>(
    settings.serviceUrl,
    '/resource-changes',
    token,
    change,
  );
  row('answer', `${status}  told to ${body.notifications} subscription${body.notifications === 1 ? '' : 's'}`);
  const isResource = (item: ReceivedNotification) => item.notification_type === 'resource';
  const notification = await notificationAfter(before, isResource, settings, signal);
  const delayMs = Date.parse(notification.received_at) - Date.parse(change.available_at);
  row('notified', `${notification.notification_type}  ${quiet(`${delayMs} ms after the request`)}`);
}

const row = (name: string, text: string) => say(`   ${quiet(name.padEnd(11))} ${text}`);

const isEventOf = (recorded: RecordedAuthorization) => (event: ReadBackEvent) =>
  event.headers.ce_subject === recorded.subscription_id && event.headers.ce_streamversion === String(recorded.version);

async function notificationsReceived(settings: Settings): Promise<ReceivedNotification[]> {
  const response = await fetch(`http://127.0.0.1:${settings.sampleClientPort}/notifications`);
  return ((await response.json()) as { items: ReceivedNotification[] }).items;
}

/** The one that is meant, of those that came after the first `before`. */
async function notificationAfter(
  before: number,
  isMeant: (item: ReceivedNotification) => boolean,
  settings: Settings,
  signal: AbortSignal,
): Promise<ReceivedNotification> {
  const deadline = Date.now() + notificationWithinMs;
  for (;;) {
    const items = await notificationsReceived(settings);
    const found = items.slice(0, items.length - before).find(isMeant);
    if (found) return found;
    if (signal.aborted) throw new Stopped();
    if (Date.now() > deadline) {
      throw new Problem(`The sample client did not receive the notification within ${notificationWithinMs / 1000} s.`);
    }
    await pause(50);
  }
}

/** Lets go of a wait at Ctrl-C. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, failed) => {
    const stop = () => failed(new Stopped());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(done, failed).finally(() => signal.removeEventListener('abort', stop));
  });
}
