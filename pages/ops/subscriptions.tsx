import { useState } from 'preact/hooks';
import { useList } from './asking';
import type { Subscription } from './items';
import { Age, Listed, Moment, Refresh, State, Title } from './parts';
import { Past, PastField } from './past';
import { hrefOf } from './route';
import { fieldMoment, validMoment } from './words';

const statuses = ['active', 'suspended', 'terminated', 'expired'];
const fields: { name: string; title: string; placeholder: string }[] = [
  { name: 'client_id', title: 'Client', placeholder: 'host name' },
  { name: 'provider', title: 'Provider', placeholder: 'without @medmij' },
  { name: 'service_id', title: 'Service', placeholder: 'number' },
  { name: 'person_id', title: 'Person id', placeholder: 'not a BSN' },
];

/** Finds subscriptions: by id, or by any of the filters together; as they stand, or as they stood at a moment `at`. */
export function Subscriptions({ query }: { query: Record<string, string> }) {
  const { at: asked, ...filter } = query;
  const at = validMoment(asked);
  const list = useList<Subscription>(at ? 'api/subscriptions/as-of' : 'api/subscriptions', { ...filter, at });
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>{at ? 'Subscriptions in the past' : 'Subscriptions'}</Title>
      <Find />
      <Filters query={{ ...filter, ...(at && { at }) }} />
      {at && (
        <Past at={at} toNow={hrefOf(['subscriptions'], filter)}>
          Subscriptions as they stood at
        </Past>
      )}
      <Listed
        list={list}
        none={at ? 'No subscription was like that then.' : 'No subscription is like that.'}
        caption={at ? 'Subscriptions as they stood then, newest first' : 'Subscriptions, newest first'}
        keyOf={({ subscription_id }) => subscription_id}
        columns={[
          {
            title: 'Subscription',
            cell: ({ subscription_id: id }) => (
              <a class="id" href={hrefOf(['subscriptions', id], { at })}>
                {id}
              </a>
            ),
          },
          { title: 'Status', cell: ({ status }) => <State of={status} /> },
          { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
          { title: 'Provider', cell: ({ provider }) => provider },
          { title: 'Service', cell: ({ service_id }) => service_id },
          { title: 'Ends', cell: ({ end_date }) => end_date },
          { title: 'Began', cell: ({ started_at }) => (at ? <Moment at={started_at} /> : <Age at={started_at} />) },
        ]}
      />
    </>
  );
}

function Find() {
  const [id, setId] = useState('');
  return (
    <form
      class="filters"
      role="search"
      aria-label="Find one subscription"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hrefOf(['subscriptions', id.trim()]);
      }}
    >
      <label class="wide">
        Subscription id
        <input type="text" required value={id} onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      <button type="submit" class="first">
        Open
      </button>
    </form>
  );
}

function Filters({ query }: { query: Record<string, string> }) {
  const [wanted, setWanted] = useState(query);
  const [at, setAt] = useState(query.at ? fieldMoment(new Date(query.at)) : '');
  const set = (name: string, value: string) => setWanted({ ...wanted, [name]: value });
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter subscriptions"
      onSubmit={(event) => {
        event.preventDefault();
        const given = Object.entries(wanted).map(([name, value]) => [name, value.trim()]);
        location.hash = hrefOf(['subscriptions'], {
          ...(Object.fromEntries(given) as Record<string, string>),
          at: at && new Date(at).toISOString(),
        });
      }}
    >
      {fields.map(({ name, title, placeholder }) => (
        <label key={name}>
          {title}
          <input
            type="text"
            placeholder={placeholder}
            value={wanted[name] ?? ''}
            onInput={(event) => set(name, event.currentTarget.value)}
          />
        </label>
      ))}
      <label>
        Status
        <select value={wanted.status ?? ''} onChange={(event) => set('status', event.currentTarget.value)}>
          <option value="">any</option>
          {statuses.map((status) => (
            <option key={status}>{status}</option>
          ))}
        </select>
      </label>
      <PastField label="As of (now, when left out)" value={at} onInput={setAt} />
      <button type="submit" class="first">
        Filter
      </button>
      {Object.keys(query).length > 0 && (
        <a class="button" href={hrefOf(['subscriptions'])}>
          Show all
        </a>
      )}
    </form>
  );
}
