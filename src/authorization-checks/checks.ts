import type { Client, Lists, NotificationEndpoints, Offering, Provider } from '../medmij-lists';
import { Refused, type RefusalCode } from '../refusals';
import { parseScope, type SubscribeScope } from './scope';

/** An authorization as asked for, through whichever door; `grantedDays` left out means the days of the scope. */
export interface AskedAuthorization {
  clientId: string;
  scope: string;
  interfaceVersion: string;
  grantedDays?: number;
}

/** What may be agreed on: everything checked, days filled in. `maximumDays` is the provider's `MaximaleDuur`. */
export interface Terms {
  clientId: string;
  provider: string;
  serviceId: string;
  interfaceVersion: string;
  days: number;
  grantedDays: number;
  maximumDays: number;
}

/** Everything the checks look at, gathered before the first one; undefined is what could not be found. */
export interface Facts {
  client?: Client;
  scope?: SubscribeScope;
  serviceName?: string;
  endpoints?: NotificationEndpoints;
  provider?: Provider;
  offering?: Offering;
  /** Whether every endpoint of the offering is at one of our hosts. */
  isOurs: boolean;
  grantedDays?: number;
}

/** One row of the table in domain.md 2. `sentence` is for the developer of whoever asks and repeats nothing that was sent. */
export interface Check {
  code: RefusalCode;
  /** The field that is at fault, as it is called on the wire. */
  field: 'client_id' | 'scope' | 'granted_days';
  passes(facts: Facts): boolean;
  sentence: string;
}

/**
 * THE LIST: every check that holds at each door, in the order of domain.md 2 (core.authint.200-.208,
 * ext.abo.authint.200-.201). The first that fails is the answer. Rows 2 to 5 of that table are of the browser's door
 * only; it walks this same list with its own rows after `unknown_client`.
 */
// prettier-ignore
export const checks: readonly Check[] = [
  { code: 'unknown_client',                field: 'client_id',    passes: (f) => f.client !== undefined,                      sentence: 'The client_id is not a host name on the client list.' },
  { code: 'scope_invalid',                 field: 'scope',        passes: (f) => f.scope !== undefined,                       sentence: 'The scope must be subscribe~<days>/<provider>~<service id> and nothing else: days of at most 5 digits without leading zeros, the provider name without @medmij.' },
  { code: 'unknown_service',               field: 'scope',        passes: (f) => f.serviceName !== undefined,                 sentence: 'The service of the scope is not in the service names list.' },
  { code: 'service_not_listed_for_client', field: 'scope',        passes: (f) => f.endpoints !== undefined,                   sentence: 'The client list does not name the service of the scope for this client and interface version.' },
  { code: 'client_endpoints_missing',      field: 'client_id',    passes: (f) => hasBothEndpoints(f.endpoints),               sentence: 'The client list entry lacks a subscription or a resource notification endpoint for this service and interface version.' },
  { code: 'unknown_provider',              field: 'scope',        passes: (f) => f.provider !== undefined,                    sentence: 'The provider of the scope is not on the provider list.' },
  { code: 'service_not_offered',           field: 'scope',        passes: (f) => f.offering !== undefined && f.isOurs,        sentence: 'The provider list does not say that this service is opened up here for this provider and interface version.' },
  { code: 'subscriptions_not_offered',     field: 'scope',        passes: (f) => f.offering?.subscriptions !== undefined,     sentence: 'The provider list offers no subscriptions on this service of this provider.' },
  { code: 'duration_above_maximum',        field: 'scope',        passes: (f) => daysAsked(f) <= maximum(f),                  sentence: 'The days of the scope are above the maximum that the provider list gives for this service of this provider.' },
  { code: 'duration_above_maximum',        field: 'granted_days', passes: (f) => isWithin(f.grantedDays, daysAsked(f)),       sentence: 'The granted days must be a whole number of at most the days of the scope: 0 exactly when the scope says 0, else 1 or more.' },
];

/**
 * Whether this may be asked at all, by the lists as they are now.
 * @param ownHosts host names that are ours, in lower case; undefined (development) means any
 * @throws Refused with the code of the first check that fails
 */
export function checkAuthorization(
  asked: AskedAuthorization,
  lists: Lists,
  ownHosts: ReadonlySet<string> | undefined,
): Terms {
  const facts = gatherFacts(asked, lists, ownHosts);
  for (const check of checks) refuseUnless(check, facts);
  return termsOf(asked, facts);
}

/** Answers a failed check. @throws Refused */
export function refuseUnless({ code, field, passes, sentence }: Check, facts: Facts): void {
  if (!passes(facts)) throw new Refused(code, sentence, [{ path: field, message: sentence }]);
}

/** Looks everything up that the checks ask about. */
export function gatherFacts(asked: AskedAuthorization, lists: Lists, ownHosts: ReadonlySet<string> | undefined): Facts {
  const { clientId, interfaceVersion } = asked;
  const scope = parseScope(asked.scope);
  const client = lists.client(clientId);
  if (!scope) return { client, isOurs: false };
  const offering = lists.offering(scope.provider, interfaceVersion, scope.serviceId);
  return {
    client,
    scope,
    serviceName: lists.serviceName(scope.serviceId),
    endpoints: lists.notificationEndpoints(clientId, interfaceVersion, scope.serviceId),
    provider: lists.provider(scope.provider),
    offering,
    // Without `Abonneren` there is no subscription endpoint among the hosts: that is the next check's business.
    isOurs: offering !== undefined && isAtOurHosts(offering, ownHosts),
    grantedDays: asked.grantedDays ?? scope.days,
  };
}

/** Whether we open up subscriptions on an offering: without it there can be none, and those there are have lost their ground. */
export function opensSubscriptions(offering: Offering, ownHosts: ReadonlySet<string> | undefined): boolean {
  return offering.subscriptions !== undefined && isAtOurHosts(offering, ownHosts);
}

/** What the facts amount to once every check of the list has passed. */
export function termsOf({ clientId, interfaceVersion }: AskedAuthorization, facts: Facts): Terms {
  const { scope, offering, grantedDays } = facts;
  if (!scope || !offering?.subscriptions || grantedDays === undefined) throw new Error('the checks were not all made');
  return { clientId, interfaceVersion, ...scope, grantedDays, maximumDays: offering.subscriptions.maximumDays };
}

const isAtOurHosts = ({ hosts }: Offering, ownHosts: ReadonlySet<string> | undefined) =>
  hosts.every((host) => ownHosts?.has(host) ?? true);

const hasBothEndpoints = (endpoints?: NotificationEndpoints) => Boolean(endpoints?.subscription && endpoints.resource);

const daysAsked = ({ scope }: Facts) => scope?.days ?? Number.NaN;

const maximum = ({ offering }: Facts) => offering?.subscriptions?.maximumDays ?? Number.NaN;

/** An ending grants nothing and a subscription at least a day (decided). Not above the days asked is not above the maximum either: the row before has seen to that. */
const isWithin = (granted: number | undefined, asked: number) =>
  Number.isInteger(granted) && granted! <= asked && (asked === 0 ? granted === 0 : granted! > 0);
