import { setTimeout as pause } from 'node:timers/promises';
import { Problem, runTool } from './problem';
import { dataDirectory } from './project';
import { samplePerson } from './sample-person';
import { authorizationRequest, call, type RecordedAuthorization } from './service-calls';
import { issueToken } from './tokens';

const deliveredWithinMs = 60_000;
const scope = 'subscribe~180/eenofanderezorgaanbieder~42';

interface Delivery {
  readonly state: string;
  readonly last_error: string | null;
}

/**
 * `npm run smoke`: one subscription through a running instance (BASE_URL), to a delivered notification. With the development
 * issuer of DATA_DIR, or with the token in SMOKE_TOKEN (scopes authorizations:write and ops:read).
 */
async function main(): Promise<void> {
  const baseUrl = (process.env.BASE_URL || 'http://localhost:3000').replace(/\/+$/, '');
  const token =
    process.env.SMOKE_TOKEN ||
    (await issueToken({ dataDir: dataDirectory(), scopes: ['authorizations:write', 'ops:read'] }));
  const startedAt = Date.now();
  const { body } = await call<RecordedAuthorization>(
    baseUrl,
    '/authorizations',
    token,
    authorizationRequest(scope, samplePerson()),
  );
  await delivered(baseUrl, token, body.subscription_id);
  console.log(
    `ok: subscription ${body.subscription_id} was recorded and its notification delivered, ${Date.now() - startedAt} ms.`,
  );
}

async function delivered(baseUrl: string, token: string, subscriptionId: string): Promise<void> {
  const deadline = Date.now() + deliveredWithinMs;
  let last: Delivery | undefined;
  while (Date.now() < deadline) {
    const path = `/ops/api/subscriptions/${subscriptionId}/notifications`;
    last = (await call<{ items: Delivery[] }>(baseUrl, path, token)).body.items[0] ?? last;
    if (last?.state === 'delivered') return;
    if (last?.state === 'dead' || last?.state === 'dropped') break;
    await pause(100);
  }
  const state = last ? `${last.state}${last.last_error ? ` (${last.last_error})` : ''}` : 'not planned';
  throw new Problem(`The notification of subscription ${subscriptionId} was not delivered: it is ${state}.`);
}

runTool(main);
