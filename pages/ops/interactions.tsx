import { useState } from 'preact/hooks';
import { useList } from './asking';
import type { Interaction } from './items';
import { Age, Listed, Refresh, State, Title } from './parts';
import { hrefOf } from './route';
import { count } from './words';

const states = ['open', 'granted', 'refused', 'cancelled', 'failed', 'abandoned'];

/** A breaker that is open is bad, an interaction that is open is not. */
const stateName = (state: string) => (state === 'open' ? 'under way' : state);

/** Persons who were asked for their consent at the browser door: where they are, and how it ended. */
export function Interactions({ query }: { query: Record<string, string> }) {
  const list = useList<Interaction>('api/interactions', query);
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Interactions</Title>
      <p class="quiet">
        Authorization requests of browsers in the last month. An abandoned one is one that its person never finished.
      </p>
      <Filters query={query} />
      <Listed
        list={list}
        none="There is no such interaction."
        caption="Interactions, newest first"
        keyOf={({ interaction_id }) => interaction_id}
        columns={[
          { title: 'State', cell: ({ state }) => <State of={stateName(state)} /> },
          { title: 'Exception', cell: ({ exception }) => exception ?? <span class="quiet">none</span> },
          { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
          { title: 'Provider', cell: ({ provider }) => provider },
          { title: 'Service', cell: ({ service_id }) => service_id },
          { title: 'Days', isFigure: true, cell: ({ days }) => count(days) },
          { title: 'Began', cell: ({ created_at }) => <Age at={created_at} /> },
          { title: 'Ended', cell: (item) => <Ending item={item} /> },
          {
            title: 'More',
            cell: ({ correlation_id }) => <a href={hrefOf(['audit'], { correlation_id })}>its audit trail</a>,
          },
        ]}
      />
    </>
  );
}

function Ending({ item: { ended_at, expires_at, left_at, state } }: { item: Interaction }) {
  if (state === 'open')
    return (
      <span class="quiet">
        closes <Age at={expires_at} />
      </span>
    );
  return (
    <>
      <Age at={ended_at ?? expires_at} />
      {left_at === null && <span class="quiet">, the browser did not go back</span>}
    </>
  );
}

function Filters({ query }: { query: Record<string, string> }) {
  const [state, setState] = useState(query.state ?? '');
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter interactions"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hrefOf(['interactions'], { state });
      }}
    >
      <label>
        State
        <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
          <option value="">any</option>
          {states.map((name) => (
            <option key={name} value={name}>
              {stateName(name)}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="first">
        Filter
      </button>
      {query.state && (
        <a class="button" href={hrefOf(['interactions'])}>
          Show all
        </a>
      )}
    </form>
  );
}
