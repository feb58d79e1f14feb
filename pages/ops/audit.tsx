import { useState } from 'preact/hooks';
import { useList } from './asking';
import { Listed, Moment, Refresh, Title } from './parts';
import { hrefOf } from './route';
import { plain } from './words';

interface AuditLine {
  id: string;
  at: string;
  source: string;
  who: string | null;
  what: string;
  outcome: string;
  request_id: string | null;
  correlation_id: string | null;
  subscription_id: string | null;
  client_id: string | null;
  reason_text: string | null;
}

/** Who did what, when and why: of operators, or everything of one request or conversation. */
export function Audit({ query }: { query: Record<string, string> }) {
  const list = useList<AuditLine>('api/audit', query);
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Audit</Title>
      <Filters query={query} />
      <Listed
        list={list}
        none="Nothing is known by that id."
        caption="Audit lines, newest first"
        keyOf={({ id }) => id}
        columns={[
          { title: 'At', cell: ({ at }) => <Moment at={at} /> },
          { title: 'Who', cell: ({ who }) => who ?? <span class="quiet">unknown</span> },
          { title: 'What', cell: ({ what }) => <b>{what}</b> },
          { title: 'Outcome', cell: ({ outcome }) => plain(outcome) },
          { title: 'Why', cell: ({ reason_text }) => reason_text ?? '' },
          { title: 'About', cell: (line) => <About line={line} /> },
        ]}
      />
    </>
  );
}

function About({
  line: { subscription_id: subscription, client_id: client, correlation_id: correlation },
}: {
  line: AuditLine;
}) {
  return (
    <>
      {subscription && (
        <a class="id" href={hrefOf(['subscriptions', subscription])}>
          {subscription}
        </a>
      )}
      {!subscription && client && <a href={hrefOf(['clients', client])}>{client}</a>}{' '}
      {correlation && <a href={hrefOf(['audit'], { correlation_id: correlation })}>its conversation</a>}
    </>
  );
}

function Filters({ query }: { query: Record<string, string> }) {
  const [request, setRequest] = useState(query.request_id ?? '');
  const [correlation, setCorrelation] = useState(query.correlation_id ?? '');
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter the audit trail"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hrefOf(['audit'], { request_id: request.trim(), correlation_id: correlation.trim() });
      }}
    >
      <label class="wide">
        Request id
        <input type="text" value={request} onInput={(event) => setRequest(event.currentTarget.value)} />
      </label>
      <label class="wide">
        Correlation id
        <input type="text" value={correlation} onInput={(event) => setCorrelation(event.currentTarget.value)} />
      </label>
      <button type="submit" class="first">
        Find
      </button>
      {Object.keys(query).length > 0 && (
        <a class="button" href={hrefOf(['audit'])}>
          Show all
        </a>
      )}
    </form>
  );
}
