import { type Check, checks, type Facts, gatherFacts, type Terms, termsOf } from '../authorization-checks';
import type { Lists } from '../medmij-lists';
import { AuthorizationException, type ExceptionName } from './exceptions';
import { mayReturnTo } from './redirect-uri';

/** `state` goes into a header and comes back as it was: visible ASCII and spaces (RFC 6749 appendix A.5), bounded (decided). */
const statePattern = /^[\x20-\x7e]{1,1000}$/;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Where the browser may be sent back to, and what goes with it. */
export interface ReturnAddress {
  clientId: string;
  redirectUri: string;
  /** Absent when the request had none that can be echoed. */
  state?: string;
}

/** An authorization request that passed every check. */
export interface AuthorizationRequest extends Required<ReturnAddress> {
  requestId: string;
  correlationId: string;
  terms: Terms;
}

/** By what the request is judged besides the lists. */
export interface RequestRules {
  interfaceVersion: string;
  /** Undefined (development) means any. */
  ownHosts: ReadonlySet<string> | undefined;
  /** Development only: the client `localhost` may use http and a port. */
  localhostAllowed: boolean;
}

/** What the checks look at: the parameters by name with all their values, and what the lists say about them. */
interface RequestFacts extends Facts {
  /** Only of parameters given exactly once; one without a value counts as not given (RFC 6749 section 3.1). */
  once: ReadonlyMap<string, string>;
  /** Names that were given more than once. */
  repeated: ReadonlySet<string>;
  redirectUriFits: boolean;
}

/** One row of the table in domain.md 2 at this door: failing it is the exception. The sentence repeats nothing that was sent. */
interface RequestCheck {
  exception: ExceptionName;
  passes(facts: RequestFacts): boolean;
  sentence: string;
}

const [clientCheck, ...commonChecks] = checks;

/** What a row of the common list is here; that the client is unknown is 1a, everything after it 1b. */
const asException = ({ passes, sentence }: Check, exception: ExceptionName): RequestCheck => ({
  exception,
  passes,
  sentence,
});

/** THE LIST of the browser's door: the common one, with this door's own rows (2 to 5 of domain.md 2) after the first. */
// prettier-ignore
export const requestChecks: readonly RequestCheck[] = [
  asException(clientCheck!, 'Abonneren 1a'),
  { exception: 'Abonneren 1a',              passes: (f) => f.redirectUriFits,                                             sentence: 'The redirect_uri must be given once: absolute, https, no port, no user info, no fragment, at the host that is the client_id.' },
  { exception: 'Abonneren 1b',              passes: (f) => f.once.has('response_type'),                                   sentence: 'The response_type must be given once.' },
  { exception: 'unsupported_response_type', passes: (f) => f.once.get('response_type') === 'code',                        sentence: 'The response_type must be code.' },
  { exception: 'Abonneren 1b',              passes: (f) => f.repeated.size === 0,                                         sentence: 'No parameter may be given more than once.' },
  { exception: 'Abonneren 1b',              passes: (f) => statePattern.test(f.once.get('state') ?? ''),                  sentence: 'The state must be given: 1 to 1000 visible ASCII characters or spaces.' },
  { exception: 'Abonneren 1b',              passes: (f) => uuidPattern.test(f.once.get('MedMij-Request-ID') ?? ''),       sentence: 'MedMij-Request-ID must be given and be a UUID.' },
  { exception: 'Abonneren 1b',              passes: (f) => uuidPattern.test(f.once.get('X-Correlation-ID') ?? ''),        sentence: 'X-Correlation-ID must be given and be a UUID.' },
  ...commonChecks.map((check) => asException(check, 'Abonneren 1b')),
];

/** The answer to a request that failed a check, and where the browser may go with it; without an address it stays here. */
export class RequestRefused extends AuthorizationException {
  constructor(
    { exception, sentence }: RequestCheck,
    readonly returnTo: ReturnAddress | undefined,
    readonly ids: { requestId?: string; correlationId?: string },
  ) {
    super(exception, sentence);
    this.name = 'RequestRefused';
  }
}

/**
 * Reads an authorization request and walks the list; the first check that fails is the answer.
 * @param query the query of the request as it was sent, without the question mark
 * @throws RequestRefused
 */
export function readAuthorizationRequest(query: string, lists: Lists, rules: RequestRules): AuthorizationRequest {
  const { once, repeated } = parametersOf(query);
  const asked = {
    clientId: once.get('client_id') ?? '',
    scope: once.get('scope') ?? '',
    interfaceVersion: rules.interfaceVersion,
  };
  const facts: RequestFacts = {
    ...gatherFacts(asked, lists, rules.ownHosts),
    once,
    repeated,
    redirectUriFits: mayReturnTo(once.get('redirect_uri') ?? '', asked.clientId, rules.localhostAllowed),
  };
  const ids = idsOf(once);
  for (const check of requestChecks) {
    if (!check.passes(facts)) throw new RequestRefused(check, returnAddressOf(facts), ids);
  }
  return {
    clientId: asked.clientId,
    redirectUri: once.get('redirect_uri')!,
    state: once.get('state')!,
    requestId: ids.requestId!,
    correlationId: ids.correlationId!,
    terms: termsOf(asked, facts),
  };
}

/** Only once both are verified may the browser be sent anywhere: no open redirect. */
function returnAddressOf({ client, redirectUriFits, once }: RequestFacts): ReturnAddress | undefined {
  if (!client || !redirectUriFits) return undefined;
  const state = once.get('state');
  return {
    clientId: client.clientId,
    redirectUri: once.get('redirect_uri')!,
    ...(state !== undefined && statePattern.test(state) && { state }),
  };
}

function parametersOf(query: string): { once: Map<string, string>; repeated: Set<string> } {
  const once = new Map<string, string>();
  const repeated = new Set<string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (once.has(name)) repeated.add(name);
    once.set(name, value);
  }
  for (const [name, value] of [...once]) if (value === '' || repeated.has(name)) once.delete(name);
  return { once, repeated };
}

function idsOf(once: ReadonlyMap<string, string>): { requestId?: string; correlationId?: string } {
  const [requestId, correlationId] = [once.get('MedMij-Request-ID'), once.get('X-Correlation-ID')];
  return {
    ...(requestId !== undefined && uuidPattern.test(requestId) && { requestId }),
    ...(correlationId !== undefined && uuidPattern.test(correlationId) && { correlationId }),
  };
}
