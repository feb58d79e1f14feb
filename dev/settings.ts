import { portFrom } from './ports';
import { dataDirectory } from './project';

/** What `npm start` and the tools beside it need to know; the service reads its own (src/config). */
export function readSettings() {
  const port = portFrom('PORT', 3000);
  const { HOST } = process.env;
  const host = !HOST || HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return {
    dataDir: dataDirectory(),
    port,
    /** Where this machine reaches the service. */
    serviceUrl: `http://${host}:${port}`,
    /** What people are shown. */
    publicUrl: (process.env.PUBLIC_URL || `http://localhost:${port}`).replace(/\/+$/, ''),
    sampleClientPort: portFrom('SAMPLE_CLIENT_PORT', 3010),
    sampleClientTlsPort: portFrom('SAMPLE_CLIENT_TLS_PORT', 3011),
    postgresPort: portFrom('EMBEDDED_POSTGRES_PORT', 54329),
    kafkaPort: portFrom('EMBEDDED_KAFKA_PORT', 19092),
    topicPrefix: process.env.KAFKA_TOPIC_PREFIX ?? '',
  };
}

export type Settings = ReturnType<typeof readSettings>;

const samplesReplacedBy = ['PROVIDER_LIST_URL', 'CLIENT_LIST_URL', 'SERVICE_NAMES_LIST_URL', 'WHITELIST_URL'];
const tokensReplacedBy = ['AS_ISSUER', 'AS_AUDIENCE', 'AS_JWKS_URL', 'OPS_ISSUER', 'OPS_AUDIENCE', 'OPS_JWKS_URL'];

/** Why the tour cannot be given with this environment, as the rest of a sentence; undefined when it can. */
export function tourObstacle(environment: NodeJS.ProcessEnv): string | undefined {
  const set = (names: string[]) => names.filter((name) => environment[name]);
  const [lists, tokens] = [set(samplesReplacedBy), set(tokensReplacedBy)];
  if (lists.length > 0) return `it needs the sample lists, and ${lists.join(', ')} names others`;
  if (tokens.length > 0) return `it signs in with development tokens, and ${tokens.join(', ')} asks for others`;
  if (environment.BACKCHANNEL_PORT) return 'BACKCHANNEL_PORT moves the door it uses behind mutual TLS';
  if (environment.ROLES) return 'ROLES may leave out a part it passes through';
  if (environment.KAFKA_SSL === 'true' || environment.KAFKA_SASL_MECHANISM) {
    return 'it reads from Kafka without TLS and sign-in';
  }
  return undefined;
}
