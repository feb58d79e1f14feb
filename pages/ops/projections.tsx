import { useEffect, useId, useState } from 'preact/hooks';
import { post } from './api';
import { useAnswer } from './asking';
import type { Comparison, Projection } from './items';
import type { Live } from './live';
import { OrderButton, Title, Wrong } from './parts';
import { hrefOf } from './route';
import { count, counted, duration } from './words';

/** While something is being built it is looked at this often. */
const lookEveryMs = 1_000;

/** How the readers of the log stand, what holds it back, and building a projection anew. */
export function Projections({ mayWrite, live: { figures } }: { mayWrite: boolean; live: Live }) {
  const { answer, failure, again } = useAnswer<{ items: Projection[] }>('api/projections');
  const isBuilding = answer?.items.some(({ rebuild }) => rebuild !== null) ?? false;
  useEffect(() => {
    const timer = setInterval(() => void again(), isBuilding ? lookEveryMs : 10 * lookEveryMs);
    return () => clearInterval(timer);
  }, [isBuilding, again]);
  const hold = figures?.log_held_by;
  return (
    <>
      <Title>Projections</Title>
      <Wrong failure={failure} />
      <section aria-labelledby="log">
        <h2 id="log">The log</h2>
        <dl class="facts">
          <div>
            <dt>Held back by</dt>
            <dd>
              {!figures
                ? '...'
                : !hold
                  ? 'nobody'
                  : `${hold.prepared !== null ? `prepared transaction ${hold.prepared}` : `session ${hold.pid ?? 'unknown'}`}${hold.application_name ? ` (${hold.application_name})` : ''}${hold.database ? `, database ${hold.database}` : ''}, for ${duration(hold.age_s)}`}
            </dd>
          </div>
          <div>
            <dt>Relay to Kafka</dt>
            <dd>{figures ? behind(figures.relay) : '...'}</dd>
          </div>
        </dl>
      </section>
      {answer?.items.map((projection) => (
        <One key={projection.name} projection={projection} mayWrite={mayWrite} again={again} />
      ))}
    </>
  );
}

const behind = ({ lag_events, lag_s }: { lag_events: number; lag_s: number }) =>
  lag_events === 0 ? 'up to date' : `${counted(lag_events, 'event')} behind, for ${duration(lag_s)}`;

function One({
  projection: { name, version, rebuild, parked, ...lag },
  mayWrite,
  again,
}: {
  projection: Projection;
  mayWrite: boolean;
  again: () => Promise<void>;
}) {
  const id = useId();
  const [found, setFound] = useState<Comparison>();
  const path = `api/projections/${encodeURIComponent(name)}`;
  const ask = (verb: string, said: string) => async () => {
    await post(`${path}/${verb}`);
    await again();
    return said;
  };
  const percent = rebuild === null ? 0 : Math.floor(rebuild.progress * 100);
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>Projection {name}</h2>
      <dl class="facts">
        <div>
          <dt>Live version</dt>
          <dd>{count(version)}</dd>
        </div>
        <div>
          <dt>Lag</dt>
          <dd>{behind(lag)}</dd>
        </div>
        <div>
          <dt>Parked streams</dt>
          <dd>{parked === 0 ? 'none' : <a href={hrefOf(['parked'])}>{count(parked)}</a>}</dd>
        </div>
        <div>
          <dt>Being built</dt>
          <dd>
            {rebuild === null ? (
              'nothing'
            ) : (
              <>
                <label for={`${id}-progress`}>
                  version {count(rebuild.version)}, {percent} %
                </label>
                <progress id={`${id}-progress`} max={100} value={percent} />
              </>
            )}
          </dd>
        </div>
      </dl>
      <div class="buttons">
        <OrderButton
          isAllowed={mayWrite && rebuild === null}
          label={`Rebuild ${name}`}
          order={{
            verb: 'Rebuild',
            question: <p>A new version is built beside the live one and takes its place when it has caught up.</p>,
            carryOut: ask('rebuild', 'Asked for.'),
          }}
        />
        <OrderButton
          isAllowed={mayWrite && rebuild === null}
          label={`Switch back ${name}`}
          order={{
            verb: 'Switch back',
            question: <p>The version before is caught up and takes the place of this one.</p>,
            carryOut: ask('switch-back', 'Asked for.'),
          }}
        />
        <OrderButton
          isAllowed={mayWrite}
          label={`Verify ${name}`}
          order={{
            verb: 'Verify',
            question: <p>A sample of its rows is compared with a fresh fold of the log. Nothing changes.</p>,
            carryOut: async () => {
              const comparison = await post<Comparison>(`${path}/verify`);
              setFound(comparison);
              return `${counted(comparison.checked, 'row')} compared, ${comparison.differing.length === 0 ? 'all are right' : `${count(comparison.differing.length)} differ`}.`;
            },
          }}
        />
      </div>
      {found && found.differing.length > 0 && (
        <ul>
          {found.differing.map(({ subscription_id: differing, problem, fields }) => (
            <li key={differing}>
              <a class="id" href={hrefOf(['subscriptions', differing])}>
                {differing}
              </a>{' '}
              {problem} {fields.join(', ')}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
