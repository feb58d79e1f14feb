import { type Page, withQuery } from './api';
import { useAnswer, useList } from './asking';
import type { HistoryEvent, Subscription } from './items';
import { Title, Wrong } from './parts';
import { Past, ToPast } from './past';
import { hrefOf } from './route';
import { Facts, Life } from './subscription';

/** One subscription as it stood at a moment, and its events until then. Nothing can be done to it there. */
export function PastSubscription({ id, at }: { id: string; at: string }) {
  const path = `api/subscriptions/${encodeURIComponent(id)}`;
  const { answer: item, failure } = useAnswer<Subscription>(path);
  return (
    <>
      <Title>Subscription in the past</Title>
      <p class="id">{id}</p>
      <Past at={at} toNow={hrefOf(['subscriptions', id])}>
        As it stood at
      </Past>
      <Wrong failure={failure} />
      {item && <Standing item={item} at={at} />}
      <ToPast id={id} at={at} />
      <section aria-labelledby="life">
        <h2 id="life">Its events until then</h2>
        <LifeUntil path={path} at={at} />
      </section>
    </>
  );
}

/** Of one person with one client at one service there are only a few: all of them are asked for, whoever it is of never changes. */
function Standing({ item, at }: { item: Subscription; at: string }) {
  const { client_id, provider, service_id, person_id, subscription_id: id, started_at } = item;
  const asked = { at, client_id, provider, service_id, person_id, limit: '500' };
  const { answer, failure } = useAnswer<Page<Subscription>>(withQuery('api/subscriptions/as-of', asked));
  const then = answer?.items.find(({ subscription_id }) => subscription_id === id);
  if (failure) return <Wrong failure={failure} />;
  if (!answer) return <p class="quiet">Loading ...</p>;
  if (then) return <Facts item={then} />;
  return <p>{Date.parse(started_at) > Date.parse(at) ? 'It had not begun yet.' : 'How it stood then is not known.'}</p>;
}

function LifeUntil({ path, at }: { path: string; at: string }) {
  const history = useList<HistoryEvent>(`${path}/history`, { limit: '500' });
  const events = history.items?.filter(({ occurred_at }) => Date.parse(occurred_at) <= Date.parse(at));
  const isCut = events && events.length < history.items!.length;
  return (
    <>
      <Wrong failure={history.failure} />
      {events?.length === 0 && <p class="quiet">None.</p>}
      {events && events.length > 0 && <Life events={events} notifications={[]} />}
      {history.more && !isCut && (
        <button type="button" onClick={() => void history.more!()}>
          More events
        </button>
      )}
    </>
  );
}
