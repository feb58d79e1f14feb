import { expect } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { Client } from 'pg';
import { ResumeClientOrder, SuspendClientOrder, type SuspensionReason } from '../../src/clients';
import { SuspendOrder, type Suspender } from '../../src/subscriptions';
import { type Answer, type AuthorizedRequestBody, authorizedRequest, type TestService } from '../support/app';
import { eventually } from '../support/eventually';

/** What `POST /authorizations` answers (contract.md 4). */
export interface Standing {
  subscription_id: string;
  status: string;
  end_date: string;
  version: number;
  position: string;
}

export interface HistoryItem {
  event_id: string;
  type: string;
  version: number;
  position: string;
  occurred_at: string;
  correlation_id: string;
  data: Record<string, unknown>;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export interface Delivery {
  delivery_id: string;
  subscription_id: string;
  client_id: string;
  notification_type: string;
  end_date: string | null;
  state: string;
  attempts: number;
  due_at: string;
  created_at: string;
  last_attempt_at: string | null;
  last_status: number | null;
  last_error: string | null;
  deadline_at: string;
}

export interface Problem {
  code: string;
  status: number;
  title: string;
  detail: string;
  type: string;
  errors: { path: string; message: string }[];
}

export const scopeOf = (days: number, provider = 'eenofanderezorgaanbieder', serviceId = '42') =>
  `subscribe~${days}/${provider}~${serviceId}`;

const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Amsterdam', dateStyle: 'short' });

/** The calendar date in Amsterdam `days` after that of `moment`. The tests' own arithmetic, not the service's. */
export function amsterdamDate(moment: Date, days = 0): string {
  const noon = new Date(`${calendar.format(moment)}T12:00:00Z`);
  return new Date(noon.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}

/** 00:00 in Amsterdam at the beginning of a calendar date, whatever the offset of that night is. */
export function amsterdamMidnight(date: string): Date {
  for (const offset of ['+02:00', '+01:00']) {
    const moment = new Date(`${date}T00:00:00${offset}`);
    if (calendar.format(moment) === date && calendar.format(new Date(moment.getTime() - 1)) < date) return moment;
  }
  throw new Error(`no midnight found for ${date}`);
}

/** An authorized request handed in over HTTP at the service's own time. */
export function ask(
  service: TestService,
  given: Partial<AuthorizedRequestBody> = {},
  headers: Record<string, string> = {},
): Promise<Answer<Standing & Problem>> {
  const request = authorizedRequest(given, service.world.clock.now());
  return service.post<Standing & Problem>('/authorizations', request, 'authorizations:write', headers);
}

/** The same, and it must be accepted with this status. */
export async function accepted(
  service: TestService,
  given: Partial<AuthorizedRequestBody> = {},
  status = 201,
): Promise<Standing> {
  const answer = await ask(service, given);
  expect([answer.status, answer.body.code]).toEqual([status, undefined]);
  return answer.body;
}

/**
 * One subscription once the projection has seen `position`; without one, once it has seen the subscription at all,
 * for what has just been accepted is not there yet.
 */
export async function itemOf(service: TestService, id: string, position?: string): Promise<Record<string, unknown>> {
  const query = position === undefined ? '' : `?wait_for=${position}`;
  return eventually(async () => {
    const answer = await service.get(`/ops/api/subscriptions/${id}${query}`);
    expect(answer.status).toBe(200);
    return answer.body;
  });
}

/** All events of one subscription once the projection has seen `position`, or the subscription at all. */
export async function historyOf(service: TestService, id: string, position?: string): Promise<HistoryItem[]> {
  const query = position === undefined ? '' : `&wait_for=${position}`;
  return eventually(async () => {
    const answer = await service.get<Page<HistoryItem>>(`/ops/api/subscriptions/${id}/history?limit=500${query}`);
    expect(answer.status).toBe(200);
    return answer.body.items;
  });
}

export async function deliveriesOf(service: TestService, id: string): Promise<Delivery[]> {
  const answer = await service.get<Page<Delivery>>(`/ops/api/subscriptions/${id}/notifications?limit=500`);
  expect(answer.status).toBe(200);
  return answer.body.items;
}

/** A question to the service's database from outside. */
export async function rowsOf<Row extends object>(
  service: TestService,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: service.world.database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** How much has been recorded; `command` counts the answers kept for repeats. */
export async function recorded(service: TestService): Promise<{ event: number; person: number; command: number }> {
  const [row] = await rowsOf<{ event: number; person: number; command: number }>(
    service,
    `select (select count(*)::integer from event) as event, (select count(*)::integer from person) as person,
            (select count(*)::integer from command) as command`,
  );
  return row!;
}

/** The service has connected to everything, so that its topics exist and its loops run. */
export async function isReady(service: TestService): Promise<void> {
  await eventually(async () => expect((await service.get('/health/ready')).body.status).toBe('ok'), 60_000);
}

export const typesOf = (events: readonly { type: string }[]) =>
  events.map(({ type }) => /^nl\.medmij\.subscription\.(\w+)\.v1$/.exec(type)?.[1]);

/** Suspends a whole client. */
export async function suspendClient(
  service: TestService,
  clientId = 'localhost',
  reason: SuspensionReason = 'operator',
): Promise<void> {
  const trace = { correlation_id: 'c', causation_id: 'c' };
  const order = new SuspendClientOrder(clientId, reason, trace, service.world.clock.now());
  await service.world.app.get(CommandBus).execute(order);
}

/** Suspends a whole client; back once its notifications are held too, which those who send them learn from the log. */
export async function holdClient(service: TestService, ...about: [string?, SuspensionReason?]): Promise<void> {
  await suspendClient(service, ...about);
  const [clientId = 'localhost'] = about;
  await eventually(async () =>
    expect(await rowsOf(service, 'select 1 from parked_client where client_id = $1', [clientId])).toHaveLength(1),
  );
}

export async function resumeClient(service: TestService, clientId = 'localhost'): Promise<void> {
  const trace = { correlation_id: 'c', causation_id: 'c' };
  const order = new ResumeClientOrder(clientId, 'operator', trace, service.world.clock.now());
  await service.world.app.get(CommandBus).execute(order);
}

/** Suspends a subscription, and waits until the projection shows it. */
export async function suspend(service: TestService, id: string, by: Suspender): Promise<void> {
  const order = new SuspendOrder(id, by, { correlation_id: 'c', causation_id: 'c' }, service.world.clock.now());
  const { standing } = await service.world.app.get(CommandBus).execute(order);
  expect((await itemOf(service, id, standing.position)).status).toBe('suspended');
}
