import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { z } from 'zod';
import { authorizedRequest, somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, isReady, scopeOf } from './walk';

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, { summary?: string; responses: Record<string, object>; security?: object[] }>>;
}
interface Message {
  name: string;
  payload: Record<string, unknown>;
  headers: Record<string, unknown>;
}
interface AsyncApi {
  asyncapi: string;
  channels: Record<string, { address: string; messages: Record<string, Message> }>;
}

/** What describes the service, and so does not describe itself; and what is for persons, who read pages. */
const undescribed =
  /^\/(api-docs|ops\/?$|ops\/(assets|session|sign-in|sign-out)|asyncapi\.json|screens|sign-in|sign-out|errors|my|oauth\/(authorize|interaction))/;

/** What a caller has to show, by its name in the document; undefined where everybody is answered. */
function credentialsFor(path: string): string[] | undefined {
  if (/^\/(health|metrics|\.well-known)/.test(path)) return undefined;
  if (path === '/oauth/token') return ['development_secret', 'mutual_tls'];
  return path.startsWith('/Subscription') ? ['access_token'] : ['bearer'];
}

describe('the documents for developers', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
    await isReady(service);
  });
  afterAll(() => service.stop());

  const openApi = async () => (await service.send<OpenApi>('GET', '/api-docs-json', {})).body;
  const asyncApi = async () => (await service.send<AsyncApi>('GET', '/asyncapi.json', {})).body;

  it('hold an OpenAPI 3.1 document that is valid', async () => {
    const { Validator } = await import('@seriousme/openapi-schema-validator');
    const document = await openApi();
    expect(document.openapi).toBe('3.1.0');
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
    expect(await new Validator().validate({ ...document, paths: [] })).toMatchObject({ valid: false });
  });

  it('name every route that exists in it, and no other', async () => {
    const { paths } = await openApi();
    const named = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const fastify = service.world.app.getHttpAdapter().getInstance();
    const existing = routesIn(fastify.printRoutes({ commonPrefix: false })).filter(
      (route) => !undescribed.test(route.split(' ')[1]!),
    );
    expect(existing).toContain('POST /authorizations');
    expect(named.sort()).toEqual(existing.sort());
  });

  it('say of each route what it does, who may, and what it answers when something is wrong', async () => {
    const { paths } = await openApi();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const statuses = Object.keys(operation.responses);
        expect([path, method, operation.summary?.length]).toEqual([path, method, expect.any(Number)]);
        const credentials = credentialsFor(path);
        expect([path, operation.security?.flatMap(Object.keys)]).toEqual([path, credentials]);
        if (credentials) expect([path, statuses]).toEqual([path, expect.arrayContaining(['400', '401'])]);
        const isScoped = credentials && !credentials.includes('mutual_tls');
        if (isScoped) expect([path, statuses]).toEqual([path, expect.arrayContaining(['403'])]);
      }
    }
  });

  it('are shown as a page that a browser can draw, with the headers that guard it', async () => {
    const page = await service.send('GET', '/api-docs', {});
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    const assets = [...page.text.matchAll(/(?:src|href)="(\.?\/?api-docs\/[^"]+|\.\/[^"]+)"/g)].map(
      ([, path]) => path!,
    );
    expect(assets.length).toBeGreaterThanOrEqual(4);
    for (const asset of assets) {
      const { pathname } = new URL(asset, `${service.world.baseUrl}/api-docs`);
      const { status, headers } = await service.send('GET', pathname, {});
      expect([pathname, status, headers.get('x-content-type-options')]).toEqual([pathname, 200, 'nosniff']);
    }
    for (const [name, value] of [
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'no-referrer'],
      ['x-frame-options', 'DENY'],
    ])
      expect(page.headers.get(name!)).toBe(value);
    const policy = directives(page.headers.get('content-security-policy') ?? '');
    expect(policy['frame-ancestors']).toEqual(["'none'"]);
    // Its scripts, styles, pictures and the document itself come from here; nothing comes from elsewhere.
    for (const directive of ['script-src', 'style-src', 'img-src', 'connect-src'])
      expect([directive, policy[directive] ?? policy['default-src']]).toEqual([
        directive,
        expect.arrayContaining(["'self'"]),
      ]);
    expect(policy['script-src']).not.toContain("'unsafe-inline'");
    expect(JSON.stringify(policy)).not.toMatch(/https?:|\*/);
    if (/<style/.test(page.text)) expect(policy['style-src']).toContain("'unsafe-inline'");
    expect(page.text).not.toMatch(/<script>(?!\s*<\/script>)/);
  });

  it('leave the strict policy on everything else', async () => {
    for (const path of ['/api-docs-json', '/asyncapi.json', '/health/live', '/metrics', '/nothing'])
      expect((await service.send('GET', path, {})).headers.get('content-security-policy')).toContain(
        "default-src 'none'",
      );
  });

  it('hold an AsyncAPI 3 document that is valid', async () => {
    const document = await asyncApi();
    expect(document.asyncapi).toMatch(/^3\./);
    const { diagnostics } = await new Parser().parse(JSON.stringify(document));
    expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
    const broken = await new Parser().parse(JSON.stringify({ ...document, channels: [] }));
    expect(broken.diagnostics.filter(({ severity }) => severity === 0)).not.toEqual([]);
  });

  it('name the topics as they are, and describe what really is on them', async () => {
    const { channels } = await asyncApi();
    const prefix = service.world.env.KAFKA_TOPIC_PREFIX!;
    expect(
      Object.values(channels)
        .map(({ address }) => address)
        .sort(),
    ).toEqual(
      [
        'medmij.authorizations.v1',
        'medmij.clients.v1',
        'medmij.dead-letters.v1',
        'medmij.resource-changes.v1',
        'medmij.subscriptions.v1',
      ].map((name) => prefix + name),
    );
    const messages = Object.values(channels).find(
      ({ address }) => address === `${prefix}medmij.subscriptions.v1`,
    )!.messages;

    const { otherSide, clock } = service.world;
    await otherSide.follow('medmij.subscriptions.v1', 'medmij.dead-letters.v1');
    const subject = somePerson();
    for (const days of [180, 30, 0, 1]) await accepted(service, { subject, scope: scopeOf(days) });
    clock.advance(2 * 86_400_000);
    await eventually(() => expect(otherSide.seen).toHaveLength(5), 60_000);
    expect(otherSide.seen.map(({ headers }) => headers.ce_type!.split('.')[3])).toEqual([
      'started',
      'adjusted',
      'terminated',
      'started',
      'expired',
    ]);
    for (const { headers, value } of otherSide.seen) {
      const message = messages[headers.ce_type!]!;
      expect(message.name).toBe(headers.ce_type);
      expect(faults(message.payload, JSON.parse(value!))).toEqual([]);
      expect(faults(message.headers, headers)).toEqual([]);
      expect(faults(message.payload, { ...(JSON.parse(value!) as object), subject })).not.toEqual([]);
    }

    const [granted] = Object.values(
      Object.values(channels).find(({ address }) => address.endsWith('medmij.authorizations.v1'))!.messages,
    );
    const { authorization_id, ...incomplete } = authorizedRequest();
    expect(faults(granted!.payload, { authorization_id, ...incomplete })).toEqual([]);
    expect(faults(granted!.payload, incomplete)).not.toEqual([]);

    const [changed] = Object.values(
      Object.values(channels).find(({ address }) => address.endsWith('medmij.resource-changes.v1'))!.messages,
    );
    const change = {
      change_id: 'c',
      subject,
      provider: 'p',
      service_id: '42',
      available_at: clock.now().toISOString(),
    };
    expect(faults(changed!.payload, change)).toEqual([]);
    expect(faults(changed!.payload, { ...change, content: 'a result' })).not.toEqual([]);

    await otherSide.send('medmij.authorizations.v1', { key: null, value: 'nonsense', headers: {} });
    const letter = await eventually(() => {
      const found = otherSide.seen.find(({ topic }) => topic === 'medmij.dead-letters.v1');
      if (!found) throw new Error('no dead letter yet');
      return found;
    });
    const [refused] = Object.values(
      Object.values(channels).find(({ address }) => address.endsWith('medmij.dead-letters.v1'))!.messages,
    );
    expect(faults(refused!.headers, letter.headers)).toEqual([]);
  }, 60_000);
});

/** What a JSON schema of the document has against a value. */
function faults(schema: object, value: unknown): unknown[] {
  return z.fromJSONSchema(schema as never).safeParse(value).error?.issues ?? [];
}

function directives(policy: string): Record<string, string[]> {
  return Object.fromEntries(
    policy.split(';').map((directive) => {
      const [name, ...sources] = directive.trim().split(/\s+/);
      return [name!, sources];
    }),
  );
}

/** Reads Fastify's drawing of its routes: `METHOD /path`, parameters written as OpenAPI does. */
function routesIn(drawing: string): string[] {
  const parents: string[] = [];
  return drawing.split('\n').flatMap((line) => {
    const match = /^([│├└─ ]*)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (!match) return [];
    const depth = match[1]!.length / 4;
    parents.splice(depth - 1, parents.length, match[2]!);
    const path = parents.join('').replace(/:(\w+)/g, '{$1}');
    const methods = (match[3] ?? '').split(', ').filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method));
    return methods.map((method) => `${method} ${path}`);
  });
}
