/** What the page asks of the ops API, and how it says that something went wrong. */

export interface Operator {
  subject: string;
  scopes: string[];
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** An answer that is no success, in words for the operator. */
export class Failure extends Error {
  constructor(
    /** 0 when the service was not reached. */
    readonly status: number,
    message: string,
    /** By it the log and the audit trail can be searched. */
    readonly correlationId: string | null,
  ) {
    super(message);
    this.name = 'Failure';
  }
}

interface Problem {
  title?: string;
  detail?: string;
  errors?: { path: string; message: string }[];
}

const answerMs = 20_000;
const listeners = new Set<() => void>();

/** Calls `listener` when an answer says that nobody is signed in any more. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @throws Failure */
export function get<Body>(path: string): Promise<Body> {
  return send<Body>('GET', path);
}

/** @throws Failure */
export function post<Body>(path: string, body?: object): Promise<Body> {
  return send<Body>('POST', path, body);
}

async function send<Body>(method: string, path: string, body?: object): Promise<Body> {
  const answer = await reach(method, path, body);
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as Body;
  if (answer.status === 401) listeners.forEach((listener) => listener());
  const { title, detail, errors = [] } = (await answer.json().catch(() => ({}))) as Problem;
  // What each field has against it says more than that there is something.
  const faults = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const said = faults ? `${title}: ${faults}.` : [title, detail].filter(Boolean).join(' ');
  throw new Failure(
    answer.status,
    said || `The service answered with status ${answer.status}.`,
    answer.headers.get('x-correlation-id'),
  );
}

async function reach(method: string, path: string, body?: object): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        // No form of another site can send this one (src/ops-page).
        'x-ops-page': '1',
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(answerMs),
    });
  } catch {
    throw new Failure(0, 'The service cannot be reached.', null);
  }
}

/** A path with those parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}
