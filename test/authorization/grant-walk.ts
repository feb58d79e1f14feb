import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type Consent, Grants } from '../../src/grants';
import { type Answer, somePerson, type TestService } from '../support/app';

/** What the sample client shows instead of a certificate. */
export const secret = 'development-only';
export const redirectUri = 'http://localhost:3010/callback';

/** A token answer, or an error of RFC 6749 section 5.2. */
export interface TokenAnswer {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
  error: string;
  error_description: string;
  error_uri: string;
}

export type Form = Record<string, string | undefined>;

/** A person confirmed something of the ordinary kind at the service's own time; the test says what matters to it. */
export function consentTo(service: TestService, given: Partial<Consent> = {}): Consent {
  return {
    authorizationId: randomUUID(),
    clientId: 'localhost',
    redirectUri,
    person: { subject: somePerson() },
    provider: 'eenofanderezorgaanbieder',
    serviceId: '42',
    interfaceVersion: '3.0.0',
    grantedDays: 180,
    authorizedAt: service.world.clock.now(),
    correlationId: randomUUID(),
    ...given,
  };
}

export function codeFor(service: TestService, consent: Consent): Promise<string> {
  return service.world.app.get(Grants).issueCode(consent);
}

/** Everything a token request of this consent consists of. */
export function tokenForm(consent: Consent, code: string): Form {
  return {
    grant_type: 'authorization_code',
    code,
    redirect_uri: consent.redirectUri,
    client_id: consent.clientId,
    client_secret: secret,
  };
}

export function formText(form: Form): string {
  return new URLSearchParams(
    Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();
}

export function tokenHeaders(consent: Pick<Consent, 'correlationId'>): Record<string, string> {
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'MedMij-Request-ID': randomUUID(),
    'X-Correlation-ID': consent.correlationId,
  };
}

/** A token request; `form` and `headers` over what belongs there. */
export function exchange(
  service: TestService,
  consent: Consent,
  code: string,
  { form = {}, headers = {} }: { form?: Form; headers?: Record<string, string> } = {},
): Promise<Answer<TokenAnswer>> {
  const body = formText({ ...tokenForm(consent, code), ...form });
  return service.send<TokenAnswer>('POST', '/oauth/token', { ...tokenHeaders(consent), ...headers }, body);
}

/** The access token for a consent, by way of its code. */
export async function tokenFor(service: TestService, given: Partial<Consent> = {}): Promise<string> {
  const consent = consentTo(service, given);
  const { status, body } = await exchange(service, consent, await codeFor(service, consent));
  expect([status, body.error]).toEqual([200, undefined]);
  return body.access_token;
}

/** A call of the Subscription interface with a token. */
export function call<Body = Record<string, unknown>>(
  service: TestService,
  method: string,
  path: string,
  token: string | undefined,
  body?: unknown,
): Promise<Answer<Body>> {
  return service.send<Body>(
    method,
    path,
    {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body === undefined ? undefined : JSON.stringify(body),
  );
}
