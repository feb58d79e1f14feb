import { z } from 'zod';
import { commaList, flag, hostAddresses, network, personKey, port, rates, seconds, url } from './forms';

/** The parts of the service that one process may run (contract.md 2). */
const roles = ['api', 'relay', 'projector', 'delivery', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** The environment as a process is given it. */
export type Variables = Readonly<Record<string, string | undefined>>;

const issuer = (name: 'AS' | 'OPS') =>
  ({
    [`${name}_ISSUER`]: z.string().min(1).max(255).optional(),
    [`${name}_AUDIENCE`]: z.string().min(1).max(255).optional(),
    [`${name}_JWKS_URL`]: url('https:', 'file:', 'http:').optional(),
  }) as Record<`${typeof name}_${'ISSUER' | 'AUDIENCE' | 'JWKS_URL'}`, z.ZodOptional<z.ZodString>>;

const claimName = z.string().regex(/^[^\s"\\]{1,255}$/);

/** Every variable that the service reads (contract.md 2), each by itself. */
export const environment = z.object({
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
export type Environment = z.output<typeof environment>;

/** What the operator's command line reads: a client of the service, which knows nothing else of it. */
export const opsAccess = z.object({
  BASE_URL: url('http:', 'https:').default('http://localhost:3000'),
  OPS_TOKEN: z.string().regex(/^[A-Za-z0-9._~+/=-]+$/, 'must be a bearer token'),
});
