import { useState } from 'preact/hooks';
import { useList } from './asking';
import { Listed, Refresh, Title } from './parts';
import { hrefOf } from './route';
import { count } from './words';

interface Balance {
  client_id: string;
  notification_type: string;
  planned: number;
  pending: number;
  sending: number;
  parked: number;
  delivered: number;
  dead: number;
  dropped: number;
  lost: number;
}

const hourMs = 3_600_000;
const periods: [string, number][] = [
  ['6', 6],
  ['24', 24],
  ['72', 72],
  ['168', 168],
];

/** Whether anything is missing: what was planned for each client in a period, and where each of it stands. */
export function Report({ query }: { query: Record<string, string> }) {
  const hours = Number(query.hours ?? 24);
  const [until] = useState(() => Math.ceil(Date.now() / hourMs) * hourMs);
  const since = new Date(until - hours * hourMs).toISOString();
  const list = useList<Balance>('api/deliveries/report', { since, until: new Date(until).toISOString() });
  const lost = list.items?.reduce((sum, balance) => sum + Math.abs(balance.lost), 0);
  const figure = (title: string, of: (balance: Balance) => number) => ({
    title,
    isFigure: true,
    cell: (balance: Balance) => count(of(balance)),
  });
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Delivery report</Title>
      <form class="filters" aria-label="Period">
        <label>
          Planned in the last
          <select
            value={String(hours)}
            onChange={(event) => (location.hash = hrefOf(['report'], { hours: event.currentTarget.value }))}
          >
            {periods.map(([value, amount]) => (
              <option key={value} value={value}>
                {amount <= 24 ? `${amount} hours` : `${amount / 24} days`}
              </option>
            ))}
          </select>
        </label>
      </form>
      {lost === 0 && !list.more && <p class="all-well">Everything that was planned is accounted for.</p>}
      {lost !== undefined && lost > 0 && (
        <p class="wrong" role="alert">
          Something does not add up: look at the last column.
        </p>
      )}
      <Listed
        list={list}
        none="Nothing was planned in this period."
        caption="What was planned, and where it stands"
        keyOf={({ client_id, notification_type }) => `${client_id} ${notification_type}`}
        columns={[
          { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
          { title: 'Kind', cell: ({ notification_type }) => notification_type },
          figure('Planned', ({ planned }) => planned),
          figure('Delivered', ({ delivered }) => delivered),
          figure('Dropped', ({ dropped }) => dropped),
          figure('Dead', ({ dead }) => dead),
          figure('Waiting', ({ pending, sending }) => pending + sending),
          figure('Parked', ({ parked }) => parked),
          figure('Lost', (balance) => balance.lost),
        ]}
      />
    </>
  );
}
