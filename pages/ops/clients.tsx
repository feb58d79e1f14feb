import { post } from './api';
import { useAnswer, useList } from './asking';
import type { Client, Endpoint } from './items';
import { Age, Listed, OrderButton, Refresh, State, Table, Title, Wrong } from './parts';
import { hrefOf } from './route';
import { count, plain, rough } from './words';

/** Every client and how it is doing. */
export function Clients() {
  const list = useList<Client>('api/clients');
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Clients</Title>
      <Listed
        list={list}
        none="The client list is empty."
        caption="Clients by their ids"
        keyOf={({ client_id }) => client_id}
        columns={[
          { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
          { title: 'Organisation', cell: ({ organisation_name: name }) => name ?? <span class="quiet">unknown</span> },
          { title: 'Status', cell: ({ status }) => <State of={status} /> },
          { title: 'Breaker', cell: ({ breaker }) => <State of={breaker} /> },
          { title: 'Whitelisted', cell: ({ whitelisted }) => (whitelisted ? 'yes' : <b>no</b>) },
          { title: 'Running', isFigure: true, cell: ({ active_subscriptions }) => rough(active_subscriptions) },
          { title: 'Oldest undelivered', cell: ({ oldest_undelivered_at: at }) => (at ? <Age at={at} /> : 'none') },
        ]}
      />
    </>
  );
}

/** One client: its health, its endpoints, and suspending or resuming it as a whole. */
export function OneClient({ id, mayWrite }: { id: string; mayWrite: boolean }) {
  const path = `api/clients/${encodeURIComponent(id)}`;
  const { answer: client, failure, again } = useAnswer<Client>(path);
  const order = (verb: 'suspend' | 'resume', done: string) => async (reason: string) => {
    await post(`${path}/${verb}`, { reason_text: reason });
    await again();
    return done;
  };
  return (
    <>
      <Title aside={<Refresh again={again} />}>Client</Title>
      <p class="id">{id}</p>
      <Wrong failure={failure} />
      {client && (
        <>
          <Facts client={client} />
          <div class="buttons">
            {client.suspended_at === null ? (
              <OrderButton
                isAllowed={mayWrite}
                order={{
                  verb: 'Suspend',
                  question: (
                    <p>
                      Nothing is sent to it, and it may only shorten and end subscriptions, until it is resumed. What is
                      due waits and is not lost.
                    </p>
                  ),
                  reason: true,
                  isDangerous: true,
                  carryOut: order('suspend', 'It is suspended.'),
                }}
              />
            ) : (
              <OrderButton
                isAllowed={mayWrite}
                order={{
                  verb: 'Resume',
                  question: (
                    <p>Each of its endpoints is looked at first; when all are good, what waited goes out in order.</p>
                  ),
                  reason: true,
                  carryOut: order('resume', 'It is active again.'),
                }}
              />
            )}
          </div>
          <p>
            <a href={hrefOf(['subscriptions'], { client_id: id })}>Its subscriptions</a>,{' '}
            <a href={hrefOf(['deliveries'], { client_id: id })}>its deliveries</a>,{' '}
            <a href={hrefOf(['deliveries'], { client_id: id, state: 'dead' })}>its dead deliveries</a>
          </p>
          <section aria-labelledby="endpoints">
            <h2 id="endpoints">Endpoints</h2>
            {client.endpoints.length === 0 ? (
              <p class="quiet">It has none on the client list.</p>
            ) : (
              <Table
                caption="Endpoints"
                rows={client.endpoints}
                keyOf={({ service_id, interface_version }) => `${service_id} ${interface_version}`}
                columns={[
                  { title: 'Service', cell: ({ service_id }) => service_id },
                  { title: 'Interface', cell: ({ interface_version }) => interface_version },
                  { title: 'Subscription notifications', cell: ({ subscription }) => subscription ?? 'none' },
                  { title: 'Resource notifications', cell: ({ resource }) => resource ?? 'none' },
                ]}
              />
            )}
          </section>
          <EndpointHealth clientId={id} />
        </>
      )}
    </>
  );
}

/** How the endpoints answer that anything was ever sent to. */
function EndpointHealth({ clientId }: { clientId: string }) {
  const list = useList<Endpoint>('api/endpoints', { client_id: clientId });
  return (
    <section aria-labelledby="health">
      <h2 id="health">How they answer</h2>
      <Listed
        list={list}
        none="Nothing was ever sent to it."
        caption="How its endpoints answer"
        keyOf={(endpoint) => `${endpoint.service_id} ${endpoint.interface_version} ${endpoint.notification_type}`}
        columns={[
          { title: 'Service', cell: ({ service_id }) => service_id },
          { title: 'Interface', cell: ({ interface_version }) => interface_version },
          { title: 'Kind', cell: ({ notification_type }) => notification_type },
          { title: 'Breaker', cell: ({ breaker }) => <State of={breaker} /> },
          { title: 'Failures in a row', isFigure: true, cell: ({ failures }) => count(failures) },
          {
            title: 'Failing since',
            cell: ({ failing_since: since }) => (since ? <Age at={since} /> : <span class="quiet">it is well</span>),
          },
        ]}
      />
    </section>
  );
}

function Facts({ client }: { client: Client }) {
  return (
    <dl class="facts">
      <div>
        <dt>Organisation</dt>
        <dd>{client.organisation_name ?? 'unknown: it has left the client list'}</dd>
      </div>
      <div>
        <dt>Status</dt>
        <dd>
          <State of={client.status} />
          {client.suspended_reason && `, reason: ${plain(client.suspended_reason)}`}
          {client.suspended_at && (
            <>
              , <Age at={client.suspended_at} />
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Breaker</dt>
        <dd>
          <State of={client.breaker} />
        </dd>
      </div>
      <div>
        <dt>Whitelisted</dt>
        <dd>{client.whitelisted ? 'yes, with all its endpoints' : 'no: nothing is sent to a name that is not'}</dd>
      </div>
      <div>
        <dt>Running subscriptions</dt>
        <dd>{rough(client.active_subscriptions)}</dd>
      </div>
      <div>
        <dt>Oldest undelivered</dt>
        <dd>{client.oldest_undelivered_at ? <Age at={client.oldest_undelivered_at} /> : 'none'}</dd>
      </div>
    </dl>
  );
}
