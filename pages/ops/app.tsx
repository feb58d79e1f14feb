import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import { type Failure, get, onSignedOut, type Operator, post } from './api';
import { Audit } from './audit';
import { Clients, OneClient } from './clients';
import { DeadLetters, Parked } from './dead-letters';
import { Deliveries, OneDelivery } from './deliveries';
import { Erase } from './erase';
import { Interactions } from './interactions';
import { Lists } from './lists';
import { type Live, useLive } from './live';
import { Overview } from './overview';
import { Title, Wrong } from './parts';
import { PastSubscription } from './past-subscription';
import { Projections } from './projections';
import { Report } from './report';
import { hrefOf, type Route, useRoute } from './route';
import { Subscriptions } from './subscriptions';
import { OneSubscription } from './subscription';
import { validMoment } from './words';

const places: { name: string; path: string[] }[] = [
  { name: 'Overview', path: [] },
  { name: 'Subscriptions', path: ['subscriptions'] },
  { name: 'Deliveries', path: ['deliveries'] },
  { name: 'Delivery report', path: ['report'] },
  { name: 'Clients', path: ['clients'] },
  { name: 'Interactions', path: ['interactions'] },
  { name: 'Dead letters', path: ['dead-letters'] },
  { name: 'Parked streams', path: ['parked'] },
  { name: 'Lists', path: ['lists'] },
  { name: 'Projections', path: ['projections'] },
  { name: 'Audit', path: ['audit'] },
  { name: 'Erase a person', path: ['erase'] },
];

/** Undefined while that is not known, null when nobody is signed in. */
type Who = Operator | null | undefined;

export function App() {
  const route = useRoute();
  const [who, setWho] = useState<Who>();
  const [failure, setFailure] = useState<Failure>();
  const [isOver, setOver] = useState(false);
  const ask = () => {
    setFailure(undefined);
    get<Operator>('session').then(setWho, (error: Failure) =>
      error.status === 401 ? setWho(null) : setFailure(error),
    );
  };
  useEffect(() => {
    ask();
    return onSignedOut(() =>
      setWho((before) => {
        if (before) setOver(true);
        return null;
      }),
    );
  }, []);
  const live = useLive(Boolean(who));
  if (failure)
    return (
      <Alone title="Operations">
        <Wrong failure={failure} again={ask} />
      </Alone>
    );
  if (who === undefined) return null;
  if (who === null) return <SignIn route={route} isOver={isOver} />;
  return (
    <>
      <a class="skip" href="#main" onClick={toMain}>
        To the content
      </a>
      <Head who={who} isHeard={live.isHeard} onSignedOut={() => setWho(null)} />
      <Places route={route} />
      <main id="main">
        <Unbroken key={location.hash}>
          <Part route={route} live={live} mayWrite={who.scopes.includes('ops:write')} />
        </Unbroken>
      </main>
    </>
  );
}

/** On a narrow screen the way to the other parts is folded away, so that what needs somebody is seen at once. */
function Places({ route }: { route: Route }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [route]);
  return (
    <nav aria-label="Parts">
      <button type="button" class="small fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        All parts
      </button>
      <ul class={isOpen ? 'open' : undefined}>
        {places.map(({ name, path }) => (
          <li key={name}>
            <a href={hrefOf(path)} aria-current={route.path[0] === path[0] ? 'page' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The fragment names a part, so the link must not change it. */
function toMain(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main h1')?.focus();
}

/** A part that fails must not take the page along: the figures above and the way to the other parts stay. */
function Unbroken({ children }: { children: preact.ComponentChildren }) {
  const [error] = useErrorBoundary((thrown: unknown) => console.error(thrown));
  if (error === undefined) return <>{children}</>;
  return (
    <>
      <Title>This part does not work</Title>
      <p class="wrong" role="alert">
        Something is wrong in the page itself, not in the service. Load it again, or use the command line (npm run ops)
        meanwhile.
      </p>
    </>
  );
}

function Part({ route, live, mayWrite }: { route: Route; live: Live; mayWrite: boolean }) {
  const [place, id] = route.path;
  const at = validMoment(route.query.at);
  switch (place) {
    case undefined:
      return <Overview live={live} />;
    case 'subscriptions':
      if (!id) return <Subscriptions key={JSON.stringify(route.query)} query={route.query} />;
      return at ? (
        <PastSubscription key={`${id} ${at}`} id={id} at={at} />
      ) : (
        <OneSubscription key={id} id={id} mayWrite={mayWrite} />
      );
    case 'interactions':
      return <Interactions key={JSON.stringify(route.query)} query={route.query} />;
    case 'deliveries':
      return id ? (
        <OneDelivery key={id} id={id} />
      ) : (
        <Deliveries key={JSON.stringify(route.query)} query={route.query} mayWrite={mayWrite} />
      );
    case 'clients':
      return id ? <OneClient key={id} id={id} mayWrite={mayWrite} /> : <Clients />;
    case 'dead-letters':
      return <DeadLetters mayWrite={mayWrite} />;
    case 'parked':
      return <Parked mayWrite={mayWrite} />;
    case 'report':
      return <Report key={JSON.stringify(route.query)} query={route.query} />;
    case 'audit':
      return <Audit key={JSON.stringify(route.query)} query={route.query} />;
    case 'erase':
      return <Erase mayWrite={mayWrite} />;
    case 'lists':
      return <Lists />;
    case 'projections':
      return <Projections mayWrite={mayWrite} live={live} />;
    default:
      return (
        <>
          <Title>Nothing here</Title>
          <p>This page has no such part.</p>
        </>
      );
  }
}

function Head({ who, isHeard, onSignedOut }: { who: Operator; isHeard: boolean; onSignedOut: () => void }) {
  const signOut = async () => {
    await post('sign-out').catch(() => undefined);
    onSignedOut();
  };
  return (
    <header class="head">
      <b>Operations</b>
      <span role="status" class={isHeard ? 'heard' : 'unheard'}>
        {isHeard ? 'live' : 'The service is not heard; figures are old.'}
      </span>
      <span class="who">
        {who.subject}
        {!who.scopes.includes('ops:write') && <span class="quiet"> (reads only)</span>}
      </span>
      <button type="button" class="small" onClick={() => void signOut()}>
        Sign out
      </button>
    </header>
  );
}

const outcomes: Record<string, string> = {
  'no-operator': 'You are signed in, but you are no operator here. Ask for the right (ops:read) and try again.',
  failed: 'Signing in did not work.',
  outage: 'The issuer was away while you signed in. Try again in a moment.',
  over: 'Signing in took too long, or its answer was used already.',
};

/** What a sign-in may lead back to (src/ops-page). */
const backForm = /^\/[A-Za-z0-9/._~%?&=-]{0,500}$/;

function SignIn({ route, isOver }: { route: Route; isOver: boolean }) {
  const [place, outcome] = route.path;
  const here = location.hash.slice(1);
  const to = place !== 'sign-in' && backForm.test(here) ? here : '/';
  return (
    <Alone title="Operations">
      {place === 'sign-in' && outcome && (
        <p class="wrong" role="alert">
          {outcomes[outcome] ?? outcomes.failed}
        </p>
      )}
      {isOver ? (
        <p role="alert">Your session is over. Sign in again to go on where you were.</p>
      ) : (
        <p>The page for operators of medmij-subscriptions.</p>
      )}
      <p>
        <a class="button first" href={`sign-in?${new URLSearchParams({ to }).toString()}`}>
          Sign in
        </a>
      </p>
    </Alone>
  );
}

function Alone({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <main class="alone">
      <Title>{title}</Title>
      {children}
    </main>
  );
}
