import { resolve } from 'node:path';
import {
  developmentClientSecret,
  developmentIssuer,
  developmentOperatorSignIn,
  developmentPersonKey,
  developmentSignIn,
} from './development';
import type { Environment, Role } from './environment';

/** The log that this installation works on; further logs would be further instances beside it (docs/adr/0002). */
export const logName = 'main';

export type Config = ReturnType<typeof assemble>;

/** What the service works with: the variables in the groups in which they are used, with what development fills in. */
export function assemble(env: Environment, production: boolean, projectRoot: string) {
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

function traceExportOf(env: Environment) {
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
