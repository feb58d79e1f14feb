import type { AuthorizedOrder } from '../src/subscriptions';
import { compiled } from './compiled';
import type { Handlers } from './handlers';
import { type Agreement, authorizationIdOf, terms } from './person-life';

/** The order that the intake makes of an authorized request, with everything that costs: hash, fingerprint, ids. */
export function orderOf(
  { subject, days, mark }: Agreement,
  handlers: Handlers,
  now: Date,
  clientId = terms.clientId,
): AuthorizedOrder {
  const authorizationId = authorizationIdOf(mark);
  const scope = `subscribe~${days}/${terms.provider}~${terms.serviceId}`;
  return new compiled.subscriptions.AuthorizedOrder(
    handlers.identities.of(subject),
    { ...terms, clientId, grantedDays: days },
    { authorizationId, authorizedAt: now },
    {
      key: `authorization:${authorizationId}`,
      fingerprint: handlers.fingerprints.of([clientId, scope, subject, null, null, null, now.toISOString()]),
    },
    { correlation_id: authorizationId, causation_id: authorizationId },
    now,
  );
}
