import { useState } from 'preact/hooks';
import { Failure, post } from './api';
import { useList } from './asking';
import type { Attempt, Delivery } from './items';
import { Age, Listed, Moment, OrderButton, Refresh, State, Table, Title, Wrong } from './parts';
import { hrefOf } from './route';
import { count, counted, duration } from './words';

const states = ['pending', 'sending', 'parked', 'delivered', 'dead', 'dropped'];

/** Deliveries by state and client; dead ones can be sent again, one by one or by when they were planned. */
export function Deliveries({ query, mayWrite }: { query: Record<string, string>; mayWrite: boolean }) {
  const list = useList<Delivery>('api/deliveries', query);
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Deliveries</Title>
      <Filters query={query} />
      {mayWrite && <Replay clientId={query.client_id} onDone={list.again} />}
      <Listed
        list={list}
        none="There is no such delivery."
        caption="Deliveries, newest first"
        keyOf={({ delivery_id }) => delivery_id}
        columns={[
          { title: 'State', cell: ({ state }) => <State of={state} /> },
          { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
          {
            title: 'Subscription',
            cell: ({ subscription_id: id }) => (
              <a class="id" href={hrefOf(['subscriptions', id])}>
                {id}
              </a>
            ),
          },
          { title: 'Kind', cell: ({ notification_type }) => notification_type },
          { title: 'Planned', cell: ({ created_at }) => <Age at={created_at} /> },
          {
            title: 'Tries',
            isFigure: true,
            cell: ({ delivery_id: id, attempts }) => (
              <a href={hrefOf(['deliveries', id])}>{counted(attempts, 'try', 'tries')}</a>
            ),
          },
          {
            title: 'Last answer',
            cell: ({ last_status, last_error }) => last_error ?? last_status ?? <span class="quiet">none</span>,
          },
          {
            title: 'Next',
            cell: (delivery) => <Next delivery={delivery} mayWrite={mayWrite} onDone={list.again} />,
          },
        ]}
      />
    </>
  );
}

function Next({
  delivery: { delivery_id: id, state, due_at },
  mayWrite,
  onDone,
}: {
  delivery: Delivery;
  mayWrite: boolean;
  onDone: () => Promise<void>;
}) {
  if (state === 'pending') return <Age at={due_at} />;
  if (state !== 'dead') return <span class="quiet">-</span>;
  return (
    <OrderButton
      isAllowed={mayWrite}
      label={`Retry delivery ${id.slice(0, 8)}`}
      order={{
        verb: 'Retry',
        question: <p>It goes back into the queue and is tried at once.</p>,
        carryOut: async () => {
          await post(`api/deliveries/${id}/retry`);
          await onDone();
          return 'It waits for its turn.';
        },
      }}
    />
  );
}

function Filters({ query }: { query: Record<string, string> }) {
  const [client, setClient] = useState(query.client_id ?? '');
  const [state, setState] = useState(query.state ?? '');
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter deliveries"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hrefOf(['deliveries'], { state, client_id: client.trim() });
      }}
    >
      <label>
        State
        <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
          <option value="">any</option>
          {states.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        Client
        <input type="text" value={client} onInput={(event) => setClient(event.currentTarget.value)} />
      </label>
      <button type="submit" class="first">
        Filter
      </button>
      {Object.keys(query).length > 0 && (
        <a class="button" href={hrefOf(['deliveries'])}>
          Show all
        </a>
      )}
    </form>
  );
}

interface Range {
  since: string;
  until?: string;
  client_id?: string;
}
interface Replayed {
  matched: number;
  replayed: number;
}

/** Sending again what is dead: first what it would do, then the same for real. */
function Replay({ clientId, onDone }: { clientId: string | undefined; onDone: () => Promise<void> }) {
  const [since, setSince] = useState('');
  const [until, setUntil] = useState('');
  const [client, setClient] = useState(clientId ?? '');
  const [why, setWhy] = useState('');
  const [tried, setTried] = useState<{ range: Range; why: string; answer: Replayed }>();
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState<Failure>();
  const send = async (range: Range, reason: string, isDry: boolean) =>
    post<Replayed>('api/deliveries/replay', { ...range, dry_run: isDry, reason_text: reason });
  const attempt = async (work: () => Promise<void>) => {
    setFailure(undefined);
    setSaid('');
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    }
  };
  const dryRun = () =>
    attempt(async () => {
      const range = {
        since: new Date(since).toISOString(),
        ...(until && { until: new Date(until).toISOString() }),
        ...(client.trim() && { client_id: client.trim() }),
      };
      setTried({ range, why, answer: await send(range, why, true) });
    });
  const forReal = () =>
    attempt(async () => {
      const { replayed } = await send(tried!.range, tried!.why, false);
      setTried(undefined);
      setSaid(`${counted(replayed, 'delivery goes', 'deliveries go')} out again.`);
      await onDone();
    });
  const changed = <Value,>(set: (value: Value) => void) => {
    // Another range is another question.
    return (value: Value) => (setTried(undefined), set(value));
  };
  return (
    <details class="panel">
      <summary>Replay dead deliveries</summary>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void dryRun();
        }}
      >
        <label class="moment">
          Planned since
          <input
            type="datetime-local"
            required
            value={since}
            onInput={(event) => changed(setSince)(event.currentTarget.value)}
          />
        </label>
        <label class="moment">
          Until (now, when left out)
          <input
            type="datetime-local"
            value={until}
            onInput={(event) => changed(setUntil)(event.currentTarget.value)}
          />
        </label>
        <label>
          Client (all, when left out)
          <input type="text" value={client} onInput={(event) => changed(setClient)(event.currentTarget.value)} />
        </label>
        <label class="wide">
          Reason, for the audit trail
          <input
            type="text"
            required
            maxLength={500}
            value={why}
            onInput={(event) => changed(setWhy)(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Dry run</button>
      </form>
      <Wrong failure={failure} />
      <p role="status">
        {said}
        {tried && foundBy(tried.answer)}
      </p>
      {tried && tried.answer.replayed > 0 && (
        <button type="button" class="danger" onClick={() => void forReal()}>
          Replay {counted(tried.answer.replayed, 'delivery', 'deliveries')}
        </button>
      )}
    </details>
  );
}

function foundBy({ matched, replayed }: Replayed): string {
  const rest = matched === replayed ? '' : ', the others have been superseded';
  return `${counted(matched, 'dead delivery', 'dead deliveries')} found, ${count(replayed)} would go out again${rest}.`;
}

/** What became of each try of one delivery. */
export function OneDelivery({ id }: { id: string }) {
  return (
    <>
      <Title>Tries of a delivery</Title>
      <p class="id">{id}</p>
      <TriesTable id={id} />
    </>
  );
}

/** The same inside a timeline, asked for when it is opened. */
export function Tries({ delivery: { delivery_id: id, attempts } }: { delivery: Delivery }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {counted(attempts, 'try', 'tries')}
        <span class="unseen"> of delivery {id.slice(0, 8)}</span>
      </summary>
      {isOpen && <TriesTable id={id} />}
    </details>
  );
}

function TriesTable({ id }: { id: string }) {
  const list = useList<Attempt>(`api/deliveries/${encodeURIComponent(id)}/attempts`);
  if (list.items?.length === 0) return <p class="quiet">It was not tried yet.</p>;
  return (
    <>
      <Wrong failure={list.failure} />
      {list.items && (
        <Table
          caption={`Tries of delivery ${id}, oldest first`}
          rows={list.items}
          keyOf={({ recorded_at, attempt }) => `${recorded_at} ${attempt}`}
          columns={[
            { title: 'At', cell: ({ at, recorded_at }) => <Moment at={at ?? recorded_at} /> },
            { title: 'Outcome', cell: ({ outcome }) => <State of={outcome} /> },
            { title: 'Answer', cell: ({ status, error }) => error ?? status ?? <span class="quiet">none</span> },
            {
              title: 'Took',
              isFigure: true,
              cell: ({ duration_ms: ms }) => (ms === null ? '-' : ms < 1_000 ? `${ms} ms` : duration(ms / 1_000)),
            },
          ]}
        />
      )}
      {list.more && (
        <button type="button" onClick={() => void list.more!()}>
          More tries
        </button>
      )}
    </>
  );
}
