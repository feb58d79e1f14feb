import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
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

  const seenOn = (name: string) => service.world.otherSide.seen.filter(({ topic }) => topic === name);
  async function asOperator(path: string): Promise<void> {
    const { status } = await service.post(`/ops/api/${path}`, { reason_text: 'a test' }, 'ops:write');
    expect([path, status]).toEqual([path, 200]);
  }
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

  it('know each path of the operators’ API that the guides speak of', async () => {
    const nameless = (path: string) => path.replace(/\{\w+\}|<\w+>|\blocalhost\b/g, '{}').replace(/[/.]+$/, '');
    const known = new Set(Object.keys((await openApi()).paths).map(nameless));
    const folder = join(__dirname, '../..');
    const guides = ['README.md', 'docs/operations.md', 'docs/privacy.md', 'docs/scaling.md'];
    const named = guides.flatMap((guide) => [
      ...readFileSync(join(folder, guide), 'utf8').matchAll(/\/ops\/api(?:\/[\w-]+|\/\{\w+\}|\/<\w+>)+/g),
    ]);
    expect(named.length).toBeGreaterThan(25);
    expect(named.map(([path]) => path).filter((path) => !known.has(nameless(path)))).toEqual([]);
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
        if (credentials?.includes('bearer')) expect([path, statuses]).toEqual([path, expect.arrayContaining(['403'])]);
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
    const messagesOn = (topic: string) =>
      Object.values(channels).find(({ address }) => address === prefix + topic)!.messages;

    const { otherSide, clock } = service.world;
    const outgoing = ['medmij.subscriptions.v1', 'medmij.clients.v1'];
    await otherSide.follow(...outgoing, 'medmij.dead-letters.v1');
    const subject = somePerson();
    for (const days of [180, 30, 0, 1]) await accepted(service, { subject, scope: scopeOf(days) });
    const { subscription_id: id } = await accepted(service);
    for (const path of [`subscriptions/${id}/suspend`, `subscriptions/${id}/resume`]) await asOperator(path);
    for (const path of ['clients/localhost/suspend', 'clients/localhost/resume']) await asOperator(path);
    clock.advance(2 * 86_400_000);
    // Everything that is described has been seen, and everything that is seen is described.
    await eventually(() => {
      for (const topic of outgoing)
        expect([topic, [...new Set(seenOn(topic).map(({ headers }) => headers.ce_type))].sort()]).toEqual([
          topic,
          Object.keys(messagesOn(topic)).sort(),
        ]);
    });
    for (const topic of outgoing)
      for (const { headers, value } of seenOn(topic)) {
        const message = messagesOn(topic)[headers.ce_type!]!;
        expect(message.name).toBe(headers.ce_type);
        expect(faults(message.payload, JSON.parse(value!))).toEqual([]);
        expect(faults(message.headers, headers)).toEqual([]);
        expect(faults(message.payload, { ...(JSON.parse(value!) as object), subject })).not.toEqual([]);
        expect(faults(message.headers, { ...headers, ce_specversion: '0.3' })).not.toEqual([]);
      }

    const [granted] = Object.values(messagesOn('medmij.authorizations.v1'));
    const { authorization_id, ...incomplete } = authorizedRequest();
    expect(faults(granted!.payload, { authorization_id, ...incomplete })).toEqual([]);
    expect(faults(granted!.payload, incomplete)).not.toEqual([]);

    const [changed] = Object.values(messagesOn('medmij.resource-changes.v1'));
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
    const [refused] = Object.values(messagesOn('medmij.dead-letters.v1'));
    expect(faults(refused!.headers, letter.headers)).toEqual([]);
  });
});

/** What a schema of the document has against a value; without a dialect of its own it is JSON Schema draft 7. */
function faults(schema: object, value: unknown): unknown[] {
  const validate = addFormats.default(new Ajv({ allErrors: true })).compile(schema);
  return validate(value) ? [] : validate.errors!;
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
