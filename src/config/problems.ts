import { developmentIssuer, developmentOperatorSignIn, developmentPersonKey, developmentSignIn } from './development';
import type { Environment, Variables } from './environment';

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

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

/** What is wrong with the variables together. `values`: what each says, where each by itself is right. */
export function problemsBetween(present: Variables, production: boolean, values: Environment | undefined): string[] {
  return [
    ...(production ? productionProblems(present) : []),
    ...pairProblems(present),
    ...operatorSignInProblems(present, production),
    ...plainHttpProblems(present, production),
    ...(values ? failingProblems(values) : []),
  ];
}

function productionProblems(present: Variables): string[] {
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

function pairProblems(present: Variables): string[] {
  const problems: string[] = [];
  if (present.KAFKA_SASL_MECHANISM && !(present.KAFKA_SASL_USERNAME && present.KAFKA_SASL_PASSWORD)) {
    problems.push('KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: are needed with KAFKA_SASL_MECHANISM');
  }
  const pairs = [
    ['LIST_TLS_CERT', 'LIST_TLS_KEY'],
    // Without the other, a header that anybody may send would be believed, or never looked at.
    ['CLIENT_CERT_HEADER', 'TRUSTED_PROXIES'],
  ] as const;
  for (const [one, other] of pairs) {
    if ((present[one] === undefined) !== (present[other] === undefined)) {
      problems.push(`${one}, ${other}: one is no use without the other`);
    }
  }
  return problems;
}

/** In production all or none: who has no operator page leaves them out. Development fills in what is left out. */
function operatorSignInProblems(present: Variables, production: boolean): string[] {
  const needed = ['OPS_OIDC_ISSUER', 'OPS_OIDC_CLIENT_ID', 'OPS_OIDC_CLIENT_SECRET'];
  const missing = needed.filter((name) => present[name] === undefined);
  const isSome = missing.length > 0 && missing.length < needed.length;
  return production && isSome ? [`${missing.join(', ')}: needed with the other OPS_OIDC variables`] : [];
}

function plainHttpProblems(present: Variables, production: boolean): string[] {
  return ['AS_JWKS_URL', 'OPS_JWKS_URL', 'OIDC_ISSUER', 'OPS_OIDC_ISSUER', 'AVAILABILITY_URL']
    .filter((name) => {
      const value = present[name];
      if (value === undefined || !URL.canParse(value)) return false;
      const { protocol, hostname } = new URL(value);
      return protocol === 'http:' && (production || !loopbackHosts.has(hostname));
    })
    .map((name) => `${name}: http is for loopback in development only`);
}

/** Nobody is suspended without having been warned of before. */
function failingProblems({
  ENDPOINT_FAILING_WARN_S: warn,
  ENDPOINT_FAILING_SUSPEND_S: suspend,
}: Environment): string[] {
  const isRight = suspend === 0 || suspend > warn;
  return isRight ? [] : ['ENDPOINT_FAILING_SUSPEND_S: must be more than ENDPOINT_FAILING_WARN_S, or 0'];
}
