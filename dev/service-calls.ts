import { randomUUID } from 'node:crypto';
import { Problem } from './problem';

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

export interface RecordedAuthorization {
  readonly subscription_id: string;
  readonly status: string;
  readonly end_date: string;
  readonly version: number;
  readonly position: string;
}

const answerWithinMs = 15_000;

/** One authorized request of the sample Authorization Server (contract.md 4). */
export function authorizationRequest(scope: string, subject: string) {
  return {
    authorization_id: randomUUID(),
    client_id: 'localhost',
    scope,
    subject,
    authorized_at: new Date().toISOString(),
  };
}

/** A resource change of the sample source system (contract.md 4). */
export function resourceChange(subject: string, provider: string) {
  return {
    change_id: randomUUID(),
    subject,
    provider,
    service_id: '42',
    available_at: new Date().toISOString(),
  };
}

/** @throws Problem when it is not answered, or with anything but success */
export async function call<Body>(baseUrl: string, path: string, token: string, body?: unknown): Promise<Answer<Body>> {
  const name = `${body === undefined ? 'GET' : 'POST'} ${path}`;
  let response: Response;
  try {
    response = await fetch(`${baseUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'medmij-request-id': randomUUID(),
        'x-correlation-id': randomUUID(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(answerWithinMs),
    });
  } catch (cause) {
    throw new Problem(`${name} at ${baseUrl} was not answered within ${answerWithinMs / 1000} s.`, { cause });
  }
  const text = await response.text();
  if (!response.ok)
    throw new Problem(`${name} at ${baseUrl} was answered with ${response.status}: ${text.slice(0, 500)}`);
  return { status: response.status, body: JSON.parse(text) as Body };
}
