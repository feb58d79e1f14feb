import { useState } from 'preact/hooks';
import { Chart, type Series } from './chart';
import type { ClientHealth, Figures, Point } from './items';
import type { Live } from './live';
import { needsOf } from './needs';
import { State, Table, Title } from './parts';
import { hrefOf } from './route';
import { count, counted, duration, moment, plain, rough } from './words';

const perSecond = (value: number, { seconds }: Point) => (seconds > 0 ? value / seconds : 0);

const work: Series[] = [
  { name: 'Commands', colour: 'first', value: (point) => perSecond(point.commands, point) },
  { name: 'Events', colour: 'second', dash: [6, 4], value: (point) => perSecond(point.events, point) },
];
const lags: Series[] = [
  { name: 'Relay', colour: 'first', value: ({ relay_lag_events }) => relay_lag_events },
  { name: 'Projection', colour: 'second', dash: [6, 4], value: ({ projection_lag_events }) => projection_lag_events },
];
const tries: Series[] = [
  { name: 'Delivered', colour: 'first', value: (point) => perSecond(point.outcomes.delivered, point) },
  {
    name: 'Failed, tried again',
    colour: 'second',
    dash: [6, 4],
    value: (point) => perSecond(point.outcomes.retry, point),
  },
  { name: 'Dead', colour: 'third', dash: [2, 3], value: (point) => perSecond(point.outcomes.dead, point) },
];
const waits: Series[] = [
  { name: 'Oldest', colour: 'first', value: ({ oldest_undelivered_s: seconds }) => seconds ?? 0 },
];

/** What an operator sees first: what is wrong and what to do, then how much is going on. */
export function Overview({ live: { figures, points, isHeard } }: { live: Live }) {
  return (
    <>
      <Title>Overview</Title>
      {isHeard && !figures && <p class="quiet">Waiting for the first figures ...</p>}
      {!isHeard && <Unheard figures={figures} />}
      {figures && <Needs figures={figures} isHeard={isHeard} />}
      {figures && <Figure figures={figures} />}
      <Charts points={points} />
      {figures && <Clients clients={figures.clients} />}
    </>
  );
}

const spans = [
  { name: 'the last 10 minutes', ms: 10 * 60_000 },
  { name: 'the last hour', ms: 60 * 60_000 },
];

function Charts({ points }: { points: Point[] }) {
  const [spanMs, setSpanMs] = useState(spans[0]!.ms);
  const last = points.at(-1);
  const shown = last ? points.filter(({ at }) => Date.parse(last.at) - Date.parse(at) < spanMs) : [];
  return (
    <section aria-labelledby="charts">
      <div class="title">
        <h2 id="charts">Charts</h2>
        <label class="beside">
          of
          <select value={spanMs} onChange={(event) => setSpanMs(Number(event.currentTarget.value))}>
            {spans.map(({ name, ms }) => (
              <option key={ms} value={ms}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="charts">
        <Chart title="Recorded" unit="per second" series={work} points={shown} spanMs={spanMs} />
        <Chart title="Lag" unit="events" series={lags} points={shown} spanMs={spanMs} isWhole />
        <Chart title="Tries to deliver" unit="per second" series={tries} points={shown} spanMs={spanMs} />
        <Chart title="Oldest undelivered" unit="seconds" series={waits} points={shown} spanMs={spanMs} isWhole />
      </div>
    </section>
  );
}

/** Old figures must not look like good ones. */
function Unheard({ figures }: { figures: Figures | undefined }) {
  return (
    <p class="wrong" role="alert">
      {figures
        ? `Nothing was heard of the service since ${moment(figures.now.at)}. What follows is as it was then.`
        : 'Nothing is heard of the service.'}{' '}
      It is asked again every few seconds.
    </p>
  );
}

function Needs({ figures, isHeard }: { figures: Figures; isHeard: boolean }) {
  const needs = needsOf(figures);
  if (!isHeard && needs.length === 0) return null;
  return (
    <section aria-labelledby="needs">
      <h2 id="needs" class="unseen">
        What needs somebody
      </h2>
      <p role="status" class={needs.length === 0 ? 'all-well' : 'unseen'}>
        {needs.length === 0 ? 'Nothing needs you.' : `${counted(needs.length, 'thing needs', 'things need')} you.`}
      </p>
      {needs.length > 0 && (
        <ul class="needs">
          {needs.map(({ id, isUrgent, what, todo, to }) => (
            <li key={id} class={isUrgent ? 'urgent' : 'soon'}>
              <p>
                <b>{isUrgent ? 'Now' : 'Soon'}</b> {what}
              </p>
              <p class="quiet">
                {todo} {to && <a href={hrefOf(to.path, to.query)}>{to.name}</a>}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Figure({ figures: { subscriptions, deliveries, relay, projections, now } }: { figures: Figures }) {
  const projected = Object.values(projections);
  const behind = Math.max(0, ...projected.map(({ lag_events }) => lag_events));
  const figures: [string, string, string][] = [
    ['Active subscriptions', rough(subscriptions.active ?? 0), hrefOf(['subscriptions'], { status: 'active' })],
    ['Suspended', rough(subscriptions.suspended ?? 0), hrefOf(['subscriptions'], { status: 'suspended' })],
    ['Waiting deliveries', rough(deliveries.pending ?? 0), hrefOf(['deliveries'], { state: 'pending' })],
    ['Parked', rough(deliveries.parked ?? 0), hrefOf(['deliveries'], { state: 'parked' })],
    ['Dead', rough(deliveries.dead ?? 0), hrefOf(['deliveries'], { state: 'dead' })],
    [
      'Oldest undelivered',
      now.oldest_undelivered_s === null ? 'none' : duration(now.oldest_undelivered_s),
      hrefOf(['clients']),
    ],
    ['Relay is behind', counted(relay.lag_events, 'event'), hrefOf(['projections'])],
    ['Projection is behind', counted(behind, 'event'), hrefOf(['projections'])],
  ];
  return (
    <section aria-label="Figures">
      <dl class="figures">
        {figures.map(([name, value, to]) => (
          <div key={name}>
            <dt>
              <a href={to}>{name}</a>
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Clients({ clients }: { clients: ClientHealth[] }) {
  return (
    <section aria-labelledby="unwell">
      <h2 id="unwell">Clients that wait or are not well</h2>
      {clients.length === 0 ? (
        <p class="quiet">Every client has everything it should have.</p>
      ) : (
        <Table
          caption="Clients that wait or are not well"
          rows={clients}
          keyOf={({ client_id }) => client_id}
          columns={[
            { title: 'Client', cell: ({ client_id: id }) => <a href={hrefOf(['clients', id])}>{id}</a> },
            {
              title: 'Oldest undelivered',
              isFigure: true,
              cell: ({ oldest_undelivered_s: seconds }) => (seconds === null ? 'none' : duration(seconds)),
            },
            { title: 'At risk', isFigure: true, cell: ({ at_risk }) => count(at_risk) },
            { title: 'Breaker', cell: ({ breaker }) => <State of={breaker} /> },
            {
              title: 'Suspended',
              cell: ({ suspended_reason: reason }) => (reason === null ? 'no' : plain(reason)),
            },
          ]}
        />
      )}
    </section>
  );
}
