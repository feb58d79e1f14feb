import { get, post } from './api';
import { useAnswer, useList } from './asking';
import { Tries } from './deliveries';
import type { Delivery, HistoryEvent, Subscription } from './items';
import { Moment, OrderButton, Refresh, State, Title, Wrong } from './parts';
import { ToPast } from './past';
import { hrefOf } from './route';
import { eventName, moment, plain } from './words';

/** Events and notifications of one subscription that are shown at once; more can be asked for. */
const pageSize = '200';

/** One subscription: as it stands, what can be done to it, and its whole life in the order in which it happened. */
export function OneSubscription({ id, mayWrite }: { id: string; mayWrite: boolean }) {
  const path = `api/subscriptions/${encodeURIComponent(id)}`;
  const { answer: item, failure, again } = useAnswer<Subscription>(path);
  const history = useList<HistoryEvent>(`${path}/history`, { limit: pageSize });
  const notifications = useList<Delivery>(`${path}/notifications`, { limit: pageSize });
  const reload = () => Promise.all([again(), history.again(), notifications.again()]);
  const order = (verb: 'suspend' | 'resume' | 'terminate', done: string) => async (reason: string) => {
    const { position } = await post<{ position: string }>(`${path}/${verb}`, { reason_text: reason });
    // What is shown afterwards comes from the projection, which may be a moment behind.
    await get(`${path}?wait_for=${position}`);
    await reload();
    return done;
  };
  const isRunning = item?.status === 'active' || item?.status === 'suspended';
  return (
    <>
      <Title aside={<Refresh again={reload} />}>Subscription</Title>
      <p class="id">{id}</p>
      <Wrong failure={failure} />
      {item && <Facts item={item} />}
      {item && isRunning && (
        <div class="buttons">
          {item.status === 'active' ? (
            <OrderButton
              isAllowed={mayWrite}
              order={{
                verb: 'Suspend',
                question: <p>Nothing is sent for it until it is resumed. The person and the client keep it.</p>,
                reason: true,
                carryOut: order('suspend', 'It is suspended.'),
              }}
            />
          ) : (
            item.suspended_by !== 'client' && (
              <OrderButton
                isAllowed={mayWrite}
                order={{
                  verb: 'Resume',
                  question: <p>What waited goes out in its order.</p>,
                  reason: true,
                  carryOut: order('resume', 'It is active again.'),
                }}
              />
            )
          )}
          <OrderButton
            isAllowed={mayWrite}
            order={{
              verb: 'End it',
              question: <p>It ends for good, and the client is told. Only the person can begin a new one.</p>,
              reason: true,
              isDangerous: true,
              carryOut: order('terminate', 'It has ended.'),
            }}
          />
        </div>
      )}
      {item?.suspended_by === 'client' && (
        <p>
          It rests because its client is suspended: <a href={hrefOf(['clients', item.client_id])}>{item.client_id}</a>
        </p>
      )}
      {item && <ToPast id={id} />}
      <section aria-labelledby="life">
        <h2 id="life">Its life</h2>
        <Wrong failure={history.failure ?? notifications.failure} />
        {history.items && notifications.items && <Life events={history.items} notifications={notifications.items} />}
        {history.more && (
          <button type="button" onClick={() => void history.more!()}>
            More events
          </button>
        )}
        {notifications.more && (
          <button type="button" onClick={() => void notifications.more!()}>
            Earlier notifications
          </button>
        )}
      </section>
    </>
  );
}

/** What a subscription is. */
export function Facts({ item }: { item: Subscription }) {
  return (
    <dl class="facts">
      <div>
        <dt>Status</dt>
        <dd>
          <State of={item.status} />
          {item.suspended_by && ` by ${item.suspended_by}`}
          {item.end_reason && `, ${plain(item.end_reason)}`}
        </dd>
      </div>
      <div>
        <dt>Client</dt>
        <dd>
          <a href={hrefOf(['clients', item.client_id])}>{item.client_id}</a>
        </dd>
      </div>
      <div>
        <dt>Provider, service</dt>
        <dd>
          {item.provider}, {item.service_id}
        </dd>
      </div>
      <div>
        <dt>Ends</dt>
        <dd>{item.end_date}</dd>
      </div>
      <div>
        <dt>Person</dt>
        <dd>
          <a class="id" href={hrefOf(['subscriptions'], { person_id: item.person_id })}>
            {item.person_id}
          </a>
        </dd>
      </div>
      <div>
        <dt>Began</dt>
        <dd>
          <Moment at={item.started_at} />
        </dd>
      </div>
      <div>
        <dt>Last change</dt>
        <dd>
          <Moment at={item.updated_at} />
        </dd>
      </div>
    </dl>
  );
}

type Entry = { at: string; event: HistoryEvent } | { at: string; delivery: Delivery };

/** What happened, in its order. */
export function Life({ events, notifications }: { events: HistoryEvent[]; notifications: Delivery[] }) {
  const entries: Entry[] = [
    ...events.map((event) => ({ at: event.occurred_at, event })),
    ...notifications.map((delivery) => ({ at: delivery.created_at, delivery })),
  ];
  // A stable order: what happened at the same moment stays event first.
  entries.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return (
    <ol class="life">
      {entries.map((entry) =>
        'event' in entry ? (
          <li key={entry.event.event_id} class="event">
            <Moment at={entry.at} />
            <div>
              <b>{plain(eventName(entry.event.type))}</b>
              <EventFacts event={entry.event} />
            </div>
          </li>
        ) : (
          <li key={entry.delivery.delivery_id} class="notification">
            <Moment at={entry.at} />
            <div>
              Notification ({entry.delivery.notification_type}
              {entry.delivery.end_date && `, end date ${entry.delivery.end_date}`}) <State of={entry.delivery.state} />
              <Tries delivery={entry.delivery} />
            </div>
          </li>
        ),
      )}
    </ol>
  );
}

/** What is in an event besides what stands above already. */
const known = new Set(['subscription_id', 'client_id', 'provider', 'service_id', 'person_id', 'interface_version']);

function EventFacts({ event }: { event: HistoryEvent }) {
  const facts = Object.entries(event.data).filter(([name, value]) => !known.has(name) && value !== null);
  return (
    <ul class="event-facts">
      {facts.map(([name, value]) => (
        <li key={name}>
          <span class="quiet">{plain(name)}</span> {name.endsWith('_at') ? moment(String(value)) : String(value)}
        </li>
      ))}
      <li>
        <a href={hrefOf(['audit'], { correlation_id: event.correlation_id })}>its audit trail</a>
      </li>
    </ul>
  );
}
