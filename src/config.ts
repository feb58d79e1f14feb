import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';

/** The parts of the service that one process may run (contract.md 2). */
export const roles = ['api', 'relay', 'projector', 'delivery', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** The log that this installation works on; further logs would be further instances beside it (docs/adr/0002). */
export const logName = 'main';

const developmentIssuer = 'urn:medmij-subscriptions:dev';

/** Known to everybody who reads this file, and therefore refused in production. */
const developmentPersonKey = createHash('sha256').update('medmij-subscriptions development person key').digest();

/** The sample persons' issuer (dev/sample-issuer), and how the service is known there: refused in production as well. */
export const developmentSignIn = { clientId: 'medmij-subscriptions', clientSecret: 'development-sign-in-secret' };
/** The same for the sample operators. */
export const developmentOperatorSignIn = {
  clientId: 'medmij-subscriptions-operators',
  clientSecret: 'development-operator-secret',
};
/** What the sample client shows instead of a certificate; as well known, and as refused. */
export const developmentClientSecret = 'development-only';

const isBracketed = (host: string) => host.startsWith('[');
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be a URL starting with ${protocols.join(' or ')}`,
  });

const port = z.coerce.number().int().min(0).max(65535);
const seconds = z.coerce.number().int().min(0).max(10_000_000);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const commaList = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .pipe(z.array(z.string().min(1)).min(1));

const personKey = z
  .string()
  .regex(/^[0-9A-Za-z+/]+={0,2}$/, 'must be base64')
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length >= 32, { message: 'must hold at least 32 bytes' });

/** An address or a network of them, as in 10.0.0.0/8. */
const network = z.string().refine((text) => {
  const [address, prefix, ...rest] = text.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address!)];
  const isPrefix = prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (bits ?? 0));
  return bits !== undefined && isPrefix && rest.length === 0;
}, 'must be addresses or networks such as 10.0.0.0/8');

/** `name=127.0.0.1:9443,...`: where calls to a host name go in development; the certificate is still checked for the name. */
const hostAddresses = z.string().transform((text, context) => {
  const addresses: Record<string, { address: string; port: number }> = {};
  for (const entry of text.split(',').filter(Boolean)) {
    const match = /^([a-z0-9.-]+)=(\[[0-9a-f:]+\]|[0-9a-zA-Z.-]+):([0-9]{1,5})$/.exec(entry.trim());
    if (!match || Number(match[3]) > 65_535) {
      context.addIssue({ code: 'custom', message: 'must look like name=127.0.0.1:9443,...' });
      return z.NEVER;
    }
    const address = match[2]!;
    addresses[match[1]!] = { address: isBracketed(address) ? address.slice(1, -1) : address, port: Number(match[3]) };
  }
  return addresses;
});

/** `app.example=50,*=200`: calls a second to each endpoint of a client at most; `*`: of every other client. */
const rates = z.string().transform((text, context) => {
  const byClient: Record<string, number> = {};
  let others: number | undefined;
  for (const entry of text.split(',')) {
    const match = /^([a-z0-9.-]+|\*)=([1-9][0-9]{0,4})$/.exec(entry.trim());
    const [, client, rate] = match ?? [];
    if (client === undefined || Object.hasOwn(byClient, client) || (client === '*' && others !== undefined)) {
      context.addIssue({ code: 'custom', message: 'must look like app.example=50,*=200, each client once' });
      return z.NEVER;
    }
    if (client === '*') others = Number(rate);
    else byClient[client] = Number(rate);
  }
  return { byClient, ...(others !== undefined && { others }) };
});

const issuer = (name: 'AS' | 'OPS') =>
  ({
    [`${name}_ISSUER`]: z.string().min(1).max(255).optional(),
    [`${name}_AUDIENCE`]: z.string().min(1).max(255).optional(),
    [`${name}_JWKS_URL`]: url('https:', 'file:', 'http:').optional(),
  }) as Record<`${typeof name}_${'ISSUER' | 'AUDIENCE' | 'JWKS_URL'}`, z.ZodOptional<z.ZodString>>;

const claimName = z.string().regex(/^[^\s"\\]{1,255}$/);

const environment = z.object({
  /** A misspelt `production` would otherwise be development, with everything that is allowed there. */
  NODE_ENV: z.enum(['development', 'test', 'production']).optional(),
  PORT: port.default(3000),
  HOST: z.string().min(1).optional(),
  PUBLIC_URL: url('http:', 'https:').optional(),
  BACKCHANNEL_PORT: port.optional(),
  BACKCHANNEL_URL: url('https:')
    .transform((text) => text.replace(/\/+$/, ''))
    .optional(),
  CLIENT_CERT_HEADER: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, 'must be the name of a header')
    .optional(),
  TRUSTED_PROXIES: commaList.pipe(z.array(network)).optional(),
  ROLES: commaList.pipe(z.array(z.enum(roles))).default([...roles]),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  KAFKA_BROKERS: commaList.pipe(z.array(z.string().regex(/^[^\s:]+:[0-9]{1,5}$/, 'must look like host:port,...'))),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  KAFKA_SASL_USERNAME: z.string().min(1).optional(),
  KAFKA_SASL_PASSWORD: z.string().min(1).optional(),
  KAFKA_CLIENT_ID: z.string().min(1).default('medmij-subscriptions'),
  KAFKA_TOPIC_PREFIX: z
    .string()
    .regex(/^[0-9A-Za-z._-]{0,100}$/)
    .default(''),
  KAFKA_CREATE_TOPICS: flag.optional(),
  DATA_DIR: z.string().min(1).default('.data'),
  INTERFACE_VERSION: z
    .string()
    .regex(/^[0-9A-Za-z._-]{1,30}$/)
    .default('3.0.0'),
  OWN_HOSTS: commaList.optional(),
  PROVIDER_LIST_URL: url('https:', 'file:').optional(),
  CLIENT_LIST_URL: url('https:', 'file:').optional(),
  SERVICE_NAMES_LIST_URL: url('https:', 'file:').optional(),
  WHITELIST_URL: url('https:', 'file:').optional(),
  LIST_TLS_CERT: z.string().min(1).optional(),
  LIST_TLS_KEY: z.string().min(1).optional(),
  LIST_TLS_CA: z.string().min(1).optional(),
  ...issuer('AS'),
  ...issuer('OPS'),
  OIDC_ISSUER: url('https:', 'http:').optional(),
  OIDC_CLIENT_ID: z.string().min(1).max(255).optional(),
  OIDC_CLIENT_SECRET: z.string().min(1).max(1_024).optional(),
  OIDC_SUBJECT_CLAIM: claimName.default('sub'),
  OPS_OIDC_ISSUER: url('https:', 'http:').optional(),
  OPS_OIDC_CLIENT_ID: z.string().min(1).max(255).optional(),
  OPS_OIDC_CLIENT_SECRET: z.string().min(1).max(1_024).optional(),
  OPS_OIDC_SUBJECT_CLAIM: claimName.default('sub'),
  OPS_OIDC_SCOPE_CLAIM: claimName.default('scope'),
  TLS_CERT: z.string().min(1).optional(),
  TLS_KEY: z.string().min(1).optional(),
  TLS_CLIENT_CA: z.string().min(1).optional(),
  CLIENT_TLS_CERT: z.string().min(1).optional(),
  CLIENT_TLS_KEY: z.string().min(1).optional(),
  CLIENT_TLS_CA: z.string().min(1).optional(),
  DEV_HOSTS: hostAddresses.optional(),
  SAMPLE_CLIENT_PORT: port.default(3010),
  SAMPLE_CLIENT_TLS_PORT: port.default(3011),
  PERSON_KEY: personKey.optional(),
  PERSON_KEY_PREVIOUS: personKey.optional(),
  AVAILABILITY_URL: url('https:', 'http:').optional(),
  INTERACTION_TTL_S: z.coerce.number().int().min(30).max(86_400).default(1_800),
  START_GRACE_S: seconds.default(900),
  DELIVERY_RATES: rates.optional(),
  ENDPOINT_FAILING_WARN_S: z.coerce.number().int().min(1).max(10_000_000).default(86_400),
  ENDPOINT_FAILING_SUSPEND_S: seconds.default(0),
  ENDPOINT_CHANGE_POLICY: z.enum(['alert', 'suspend']).default('alert'),
  DELISTED_END_DAYS: z.coerce.number().int().min(0).max(3_650).default(30),
  DEV_CLIENT_SECRET: z.string().min(1).max(255).optional(),
  LOG_STALL_END_S: seconds.default(0),
  CLOCK_OFFSET_S: z.coerce.number().int().optional(),
  OTEL_SDK_DISABLED: flag.default(false),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:').optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http:', 'https:').optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/json']).optional(),
  OTEL_SERVICE_NAME: z.string().min(1).default('medmij-subscriptions'),
  OTEL_TRACES_SAMPLER: z
    .enum(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'])
    .default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** What only development may leave out; in production each of these missing is a start-up error. */
const requiredInProduction = [
  'PUBLIC_URL',
  'BACKCHANNEL_PORT',
  'OWN_HOSTS',
  'PROVIDER_LIST_URL',
  'CLIENT_LIST_URL',
  'SERVICE_NAMES_LIST_URL',
  'WHITELIST_URL',
  'AS_ISSUER',
  'AS_AUDIENCE',
  'AS_JWKS_URL',
  'OPS_ISSUER',
  'OPS_AUDIENCE',
  'OPS_JWKS_URL',
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_CLIENT_SECRET',
  'TLS_CERT',
  'TLS_KEY',
  'TLS_CLIENT_CA',
  'CLIENT_TLS_CERT',
  'CLIENT_TLS_KEY',
  'CLIENT_TLS_CA',
  'PERSON_KEY',
  'AVAILABILITY_URL',
] as const;

export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * The whole configuration, or every problem at once, by name and never by value.
 * @throws ConfigError
 */
export function readConfig(variables: Record<string, string | undefined>, projectRoot: string) {
  const present = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const production = present.NODE_ENV === 'production';
  const parsed = environment.safeParse(present);
  const problems = new Set<string>();
  for (const issue of parsed.error?.issues ?? []) {
    problems.add(
      `${String(issue.path[0])}: ${present[String(issue.path[0])] === undefined ? 'is missing' : issue.message}`,
    );
  }
  if (production) productionProblems(present).forEach((problem) => problems.add(problem));
  if (present.KAFKA_SASL_MECHANISM && !(present.KAFKA_SASL_USERNAME && present.KAFKA_SASL_PASSWORD)) {
    problems.add('KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: are needed with KAFKA_SASL_MECHANISM');
  }
  if ((present.LIST_TLS_CERT === undefined) !== (present.LIST_TLS_KEY === undefined)) {
    problems.add('LIST_TLS_CERT, LIST_TLS_KEY: one is no use without the other');
  }
  const operatorSignIn = ['OPS_OIDC_ISSUER', 'OPS_OIDC_CLIENT_ID', 'OPS_OIDC_CLIENT_SECRET'];
  const missing = operatorSignIn.filter((name) => present[name] === undefined);
  // In production all or none: who has no operator page leaves them out. Development fills in what is left out.
  if (production && missing.length > 0 && missing.length < operatorSignIn.length) {
    problems.add(`${missing.join(', ')}: needed with the other OPS_OIDC variables`);
  }
  // Without the other, a header that anybody may send would be believed, or never looked at.
  if ((present.CLIENT_CERT_HEADER === undefined) !== (present.TRUSTED_PROXIES === undefined)) {
    problems.add('CLIENT_CERT_HEADER, TRUSTED_PROXIES: one is no use without the other');
  }
  for (const name of ['AS_JWKS_URL', 'OPS_JWKS_URL', 'OIDC_ISSUER', 'OPS_OIDC_ISSUER', 'AVAILABILITY_URL']) {
    const value = present[name];
    if (value === undefined || !URL.canParse(value)) continue;
    const { protocol, hostname } = new URL(value);
    if (protocol === 'http:' && (production || !loopbackHosts.has(hostname))) {
      problems.add(`${name}: http is for loopback in development only`);
    }
  }
  if (parsed.data && parsed.data.ENDPOINT_FAILING_SUSPEND_S > 0) {
    const { ENDPOINT_FAILING_WARN_S: warn, ENDPOINT_FAILING_SUSPEND_S: suspend } = parsed.data;
    // Nobody is suspended without having been warned of before.
    if (suspend <= warn) problems.add('ENDPOINT_FAILING_SUSPEND_S: must be more than ENDPOINT_FAILING_WARN_S, or 0');
  }
  if (!parsed.success || problems.size > 0) throw new ConfigError([...problems].sort());
  return assemble(parsed.data, production, projectRoot);
}

/** What migrating needs, so that it can run where nothing else is configured. @throws ConfigError */
export function readDatabaseUrl(variables: Record<string, string | undefined>): string {
  const parsed = environment.shape.DATABASE_URL.safeParse(variables.DATABASE_URL);
  if (!parsed.success)
    throw new ConfigError([`DATABASE_URL: ${variables.DATABASE_URL ? parsed.error.issues[0]!.message : 'is missing'}`]);
  return parsed.data;
}

const opsAccess = z.object({
  BASE_URL: url('http:', 'https:').default('http://localhost:3000'),
  OPS_TOKEN: z.string().regex(/^[A-Za-z0-9._~+/=-]+$/, 'must be a bearer token'),
});

/** Where the operator's command line finds the service, and its token. @throws ConfigError */
export function readOpsAccess(variables: Record<string, string | undefined>): { baseUrl: string; token: string } {
  const parsed = opsAccess.safeParse(variables);
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => {
        const name = String(path[0]);
        return `${name}: ${variables[name] ? message : 'is missing'}`;
      }),
    );
  return { baseUrl: parsed.data.BASE_URL, token: parsed.data.OPS_TOKEN };
}

function productionProblems(present: Record<string, string | undefined>): string[] {
  const problems: string[] = requiredInProduction
    .filter((name) => present[name] === undefined)
    .map((name) => `${name}: is missing (required in production)`);
  for (const name of ['DEV_HOSTS', 'CLOCK_OFFSET_S', 'DEV_CLIENT_SECRET']) {
    if (present[name] !== undefined) problems.push(`${name}: is for development only`);
  }
  for (const name of ['AS_ISSUER', 'OPS_ISSUER']) {
    if (present[name] === developmentIssuer) problems.push(`${name}: the development issuer is refused in production`);
  }
  for (const name of ['OIDC_CLIENT_SECRET', 'OPS_OIDC_CLIENT_SECRET']) {
    const known = [developmentSignIn.clientSecret, developmentOperatorSignIn.clientSecret];
    if (known.includes(present[name] ?? '')) {
      problems.push(`${name}: the development secret is refused in production`);
    }
  }
  for (const name of ['PERSON_KEY', 'PERSON_KEY_PREVIOUS']) {
    if (present[name] && Buffer.from(present[name], 'base64').equals(developmentPersonKey)) {
      problems.push(`${name}: the development key is refused in production`);
    }
  }
  return problems;
}

function assemble(env: z.output<typeof environment>, production: boolean, projectRoot: string) {
  const dataDir = resolve(projectRoot, env.DATA_DIR);
  const sampleList = (name: string) => new URL(`file://${resolve(projectRoot, 'dev/sample-lists', name)}`).href;
  const developmentFile = (path: string) => (production ? undefined : resolve(dataDir, path));
  const publicUrl = (env.PUBLIC_URL ?? `http://localhost:${env.PORT}`).replace(/\/+$/, '');
  const backchannelUrl = env.BACKCHANNEL_URL ?? `https://${new URL(publicUrl).hostname}:${env.BACKCHANNEL_PORT}`;
  const developmentKeys = new URL(`file://${resolve(dataDir, 'tokens/jwks.json')}`).href;
  return {
    production,
    roles: new Set<Role>(env.ROLES),
    http: {
      port: env.PORT,
      host: env.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
      publicUrl,
      backchannelPort: env.BACKCHANNEL_PORT,
      /** Where machines reach the backchannel, if there is one: our host name at its port, unless it is mapped to another one. */
      backchannelUrl: env.BACKCHANNEL_PORT === undefined ? undefined : backchannelUrl,
      tls: { certFile: env.TLS_CERT, keyFile: env.TLS_KEY, clientCaFile: env.TLS_CLIENT_CA },
    },
    databaseUrl: env.DATABASE_URL,
    kafka: {
      brokers: env.KAFKA_BROKERS,
      clientId: env.KAFKA_CLIENT_ID,
      ssl: env.KAFKA_SSL,
      sasl: env.KAFKA_SASL_MECHANISM && {
        mechanism: env.KAFKA_SASL_MECHANISM,
        username: env.KAFKA_SASL_USERNAME!,
        password: env.KAFKA_SASL_PASSWORD!,
      },
      topicPrefix: env.KAFKA_TOPIC_PREFIX,
      createTopics: env.KAFKA_CREATE_TOPICS ?? !production,
    },
    interfaceVersion: env.INTERFACE_VERSION,
    /** Host names that are ours in the provider list; undefined (development only) means any. */
    ownHosts: env.OWN_HOSTS && new Set(env.OWN_HOSTS.map((host) => host.toLowerCase())),
    lists: {
      providers: env.PROVIDER_LIST_URL ?? sampleList('zorgaanbiederslijst.xml'),
      clients: env.CLIENT_LIST_URL ?? sampleList('oauthclientlist.xml'),
      serviceNames: env.SERVICE_NAMES_LIST_URL ?? sampleList('gegevensdienstnamenlijst.xml'),
      whitelist: env.WHITELIST_URL ?? sampleList('whitelist.xml'),
    },
    /** Our certificate towards publishers of lists, where they want one, and whom we trust there. */
    listTls: { certFile: env.LIST_TLS_CERT, keyFile: env.LIST_TLS_KEY, caFile: env.LIST_TLS_CA },
    authorizationServer: {
      issuer: env.AS_ISSUER ?? developmentIssuer,
      audience: env.AS_AUDIENCE ?? 'medmij-subscriptions',
      jwksUrl: env.AS_JWKS_URL ?? developmentKeys,
    },
    operators: {
      issuer: env.OPS_ISSUER ?? developmentIssuer,
      audience: env.OPS_AUDIENCE ?? 'medmij-subscriptions',
      jwksUrl: env.OPS_JWKS_URL ?? developmentKeys,
    },
    /** The issuer at which persons sign in. */
    personIssuer: {
      issuer: env.OIDC_ISSUER ?? `http://localhost:${env.SAMPLE_CLIENT_PORT}/issuer`,
      clientId: env.OIDC_CLIENT_ID ?? developmentSignIn.clientId,
      clientSecret: env.OIDC_CLIENT_SECRET ?? developmentSignIn.clientSecret,
      subjectClaim: env.OIDC_SUBJECT_CLAIM,
      mayBeAway: env.OIDC_ISSUER === undefined,
    },
    /** The issuer at which operators' browsers sign in; undefined (production only) without any: then there is no operator page. */
    operatorIssuer:
      production && env.OPS_OIDC_ISSUER === undefined
        ? undefined
        : {
            issuer: env.OPS_OIDC_ISSUER ?? `http://localhost:${env.SAMPLE_CLIENT_PORT}/issuer`,
            clientId: env.OPS_OIDC_CLIENT_ID ?? developmentOperatorSignIn.clientId,
            clientSecret: env.OPS_OIDC_CLIENT_SECRET ?? developmentOperatorSignIn.clientSecret,
            subjectClaim: env.OPS_OIDC_SUBJECT_CLAIM,
            scopeClaim: env.OPS_OIDC_SCOPE_CLAIM,
            mayBeAway: env.OPS_OIDC_ISSUER === undefined,
          },
    /** The built pages (pages/build.mjs). */
    pagesFolder: resolve(projectRoot, 'dist/pages'),
    /** How a client shows who it is at the token endpoint, besides by the certificate of its connection. */
    clientAuthentication: {
      certificateHeader: env.CLIENT_CERT_HEADER,
      trustedProxies: env.TRUSTED_PROXIES ?? [],
      secret: production ? undefined : (env.DEV_CLIENT_SECRET ?? developmentClientSecret),
    },
    /** Our identity towards clients and what we trust there; without these files nothing is sent. */
    clientTls: {
      certFile: env.CLIENT_TLS_CERT ?? developmentFile('tls/service.crt'),
      keyFile: env.CLIENT_TLS_KEY ?? developmentFile('tls/service.key'),
      caFile: env.CLIENT_TLS_CA ?? developmentFile('tls/ca.crt'),
    },
    /** Development only: calls to these names go to these addresses. Empty in production. */
    hostAddresses: production
      ? {}
      : {
          'sample-client.example': { address: '127.0.0.1', port: env.SAMPLE_CLIENT_TLS_PORT },
          ...env.DEV_HOSTS,
        },
    personKey: env.PERSON_KEY ?? developmentPersonKey,
    personKeyPrevious: env.PERSON_KEY_PREVIOUS,
    /** Where it is asked whether a person's data is available; undefined (development only) asks the sample persons. */
    availabilityUrl: env.AVAILABILITY_URL,
    /** From an authorization request to the last moment for the person's answer. */
    interactionTtlS: env.INTERACTION_TTL_S,
    startGraceS: env.START_GRACE_S,
    /** Calls a second to each endpoint of a client at most; none: no limit. */
    deliveryRates: env.DELIVERY_RATES ?? { byClient: {} },
    /** How long an endpoint may do nothing but fail. */
    endpointFailing: { warnAfterS: env.ENDPOINT_FAILING_WARN_S, suspendAfterS: env.ENDPOINT_FAILING_SUSPEND_S },
    /** What a changed issuer or CNAME under a valid name means for the client. */
    endpointChangePolicy: env.ENDPOINT_CHANGE_POLICY,
    /** From leaving the lists to the end of the subscriptions that depend on it. */
    delistedEndDays: env.DELISTED_END_DAYS,
    /** A session that holds the log back for this long is ended; 0: never. */
    logStallEndS: env.LOG_STALL_END_S,
    clockOffsetS: env.CLOCK_OFFSET_S ?? 0,
    logLevel: env.LOG_LEVEL,
    /** Where traces go; undefined: nothing is traced. */
    traceExport: traceExportOf(env),
  };
}

function traceExportOf(env: z.output<typeof environment>) {
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const named = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  const isOn = env.OTEL_TRACES_EXPORTER === 'otlp' || (env.OTEL_TRACES_EXPORTER === undefined && named !== undefined);
  if (env.OTEL_SDK_DISABLED || !isOn) return undefined;
  const ratios = {
    parentbased_always_on: 1,
    parentbased_always_off: 0,
    parentbased_traceidratio: env.OTEL_TRACES_SAMPLER_ARG,
  };
  return {
    url: named ?? 'http://localhost:4318/v1/traces',
    serviceName: env.OTEL_SERVICE_NAME,
    ratio: ratios[env.OTEL_TRACES_SAMPLER],
  };
}

export type Config = ReturnType<typeof readConfig>;
