import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from './read-config';

type Variables = Record<string, string | undefined>;

const development: Variables = { DATABASE_URL: 'postgres://localhost/x', KAFKA_BROKERS: 'localhost:9092' };

const production: Variables = {
  ...development,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://subscriptions.example',
  BACKCHANNEL_PORT: '8443',
  OWN_HOSTS: 'subscriptions.example',
  PROVIDER_LIST_URL: 'https://lists.example/providers',
  CLIENT_LIST_URL: 'https://lists.example/clients',
  SERVICE_NAMES_LIST_URL: 'https://lists.example/names',
  WHITELIST_URL: 'file:///etc/medmij/whitelist.xml',
  AS_ISSUER: 'https://as.example',
  AS_AUDIENCE: 'subscriptions',
  AS_JWKS_URL: 'https://as.example/jwks',
  OPS_ISSUER: 'https://ops.example',
  OPS_AUDIENCE: 'subscriptions-ops',
  OPS_JWKS_URL: 'file:///etc/medmij/jwks.json',
  OIDC_ISSUER: 'https://sign-in.example',
  OIDC_CLIENT_ID: 'subscriptions',
  OIDC_CLIENT_SECRET: 'a secret of production',
  TLS_CERT: 'server.crt',
  TLS_KEY: 'server.key',
  TLS_CLIENT_CA: 'clients.crt',
  CLIENT_TLS_CERT: 'client.crt',
  CLIENT_TLS_KEY: 'client.key',
  CLIENT_TLS_CA: 'ca.crt',
  PERSON_KEY: Buffer.alloc(32, 1).toString('base64'),
  AVAILABILITY_URL: 'https://availability.example/persons',
};

const read = (variables: Variables) => readConfig(variables, '/project');

function problemsOf(variables: Variables): readonly string[] {
  try {
    read(variables);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

/** Which variables are complained of. */
const namesOf = (variables: Variables) => problemsOf(variables).map((problem) => problem.replace(/:.*/s, ''));

describe('the configuration', () => {
  it('needs a database and a broker, and nothing else in development', () => {
    expect(problemsOf(development)).toEqual([]);
    expect(problemsOf({})).toEqual(['DATABASE_URL: is missing', 'KAFKA_BROKERS: is missing']);
    expect(problemsOf({ DATABASE_URL: '', KAFKA_BROKERS: '' })).toHaveLength(2);
  });

  it('says every problem at once, by name and never by value', () => {
    const secret = 'hUsHhUsH';
    const wrong = {
      NODE_ENV: secret,
      PORT: secret,
      PUBLIC_URL: secret,
      BACKCHANNEL_PORT: '65536',
      ROLES: `api,${secret}`,
      DATABASE_URL: `mysql://user:${secret}@host/x`,
      KAFKA_BROKERS: `host:9092,${secret}`,
      KAFKA_SSL: secret,
      KAFKA_SASL_MECHANISM: secret,
      KAFKA_TOPIC_PREFIX: `${secret}/`,
      INTERFACE_VERSION: `${secret}!`,
      PROVIDER_LIST_URL: `ftp://${secret}`,
      AS_JWKS_URL: `http://${secret}/jwks`,
      OPS_JWKS_URL: secret,
      OIDC_ISSUER: `http://${secret}/issuer`,
      OIDC_SUBJECT_CLAIM: `${secret} "`,
      OPS_OIDC_ISSUER: `http://${secret}/issuer`,
      OPS_OIDC_SCOPE_CLAIM: `${secret} "`,
      DEV_HOSTS: secret,
      PERSON_KEY: secret,
      PERSON_KEY_PREVIOUS: `${secret}!`,
      START_GRACE_S: secret,
      ENDPOINT_FAILING_WARN_S: secret,
      ENDPOINT_FAILING_SUSPEND_S: secret,
      DELIVERY_RATES: `${secret}=many`,
      DELISTED_END_DAYS: secret,
      BACKCHANNEL_URL: `http://${secret}`,
      CLIENT_CERT_HEADER: `${secret}:`,
      TRUSTED_PROXIES: `10.0.0.0/33,${secret}`,
      DEV_CLIENT_SECRET: secret.repeat(100),
      LOG_STALL_END_S: secret,
      CLOCK_OFFSET_S: secret,
      LOG_LEVEL: secret,
    };
    const problems = problemsOf(wrong);
    expect(new Set(namesOf(wrong).flatMap((names) => names.split(', ')))).toEqual(
      new Set([...Object.keys(wrong), 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']),
    );
    expect(problems.join('\n').toLowerCase()).not.toContain(secret.toLowerCase());
    expect(new ConfigError(problems).message.toLowerCase()).not.toContain(secret.toLowerCase());
  });

  it('warns of a client that fails before it suspends it, or never suspends it', () => {
    const endpoints = (warn: string, suspend: string) =>
      namesOf({ ...development, ENDPOINT_FAILING_WARN_S: warn, ENDPOINT_FAILING_SUSPEND_S: suspend });
    expect(read(development).endpointFailing).toEqual({ warnAfterS: 86_400, suspendAfterS: 0 });
    expect([endpoints('3600', '0'), endpoints('3600', '3601')]).toEqual([[], []]);
    expect(endpoints('3600', '3600')).toEqual(['ENDPOINT_FAILING_SUSPEND_S']);
    expect(endpoints('0', '-1')).toEqual(['ENDPOINT_FAILING_SUSPEND_S', 'ENDPOINT_FAILING_WARN_S']);
  });

  it('reads rates of clients, each once and in whole calls a second', () => {
    const ratesOf = (text: string) => read({ ...development, DELIVERY_RATES: text }).deliveryRates;
    expect(read(development).deliveryRates).toEqual({ byClient: {} });
    expect(ratesOf('*=200')).toEqual({ byClient: {}, others: 200 });
    expect(ratesOf('app.example=50, other.example=1,*=99999')).toEqual({
      byClient: { 'app.example': 50, 'other.example': 1 },
      others: 99_999,
    });
    for (const wrong of [
      'app.example',
      'a=0',
      'a=1.5',
      'a=-1',
      'a=100000',
      'a=1,a=2',
      '*=1,*=2',
      'a=1,',
      'A=1',
      '__proto__=1',
    ])
      expect([wrong, namesOf({ ...development, DELIVERY_RATES: wrong })]).toEqual([wrong, ['DELIVERY_RATES']]);
  });

  it.each(['Production', 'prod', 'staging', ' production'])('does not take NODE_ENV=%s for development', (name) => {
    expect(namesOf({ ...development, NODE_ENV: name })).toEqual(['NODE_ENV']);
  });

  describe('in production', () => {
    it('is complete with these', () => {
      expect(problemsOf(production)).toEqual([]);
      expect(read(production)).toMatchObject({ production: true, hostAddresses: {}, clockOffsetS: 0 });
      expect(read(production).http.host).toBe('0.0.0.0');
      expect(read(production).kafka.createTopics).toBe(false);
      expect(read(production).clientAuthentication).toEqual({
        certificateHeader: undefined,
        trustedProxies: [],
        secret: undefined,
      });
    });

    const required = Object.keys(production).filter((name) => name !== 'NODE_ENV');
    it.each(required)('needs %s', (name) => {
      expect(namesOf({ ...production, [name]: undefined })).toEqual([name]);
      expect(namesOf({ ...production, [name]: '' })).toEqual([name]);
    });

    it('says all that is missing at once', () => {
      expect(namesOf({ NODE_ENV: 'production' })).toEqual([...required].sort());
    });

    const developmentKey = createHash('sha256').update('medmij-subscriptions development person key').digest();
    it.each([
      ['AS_ISSUER', 'urn:medmij-subscriptions:dev'],
      ['OPS_ISSUER', 'urn:medmij-subscriptions:dev'],
      ['AS_JWKS_URL', 'http://localhost/jwks'],
      ['OPS_JWKS_URL', 'HTTP://127.0.0.1/jwks'],
      ['OIDC_ISSUER', 'http://localhost:3010/issuer'],
      ['AVAILABILITY_URL', 'http://localhost:3020/'],
      ['OIDC_CLIENT_SECRET', 'development-sign-in-secret'],
      ['OIDC_CLIENT_SECRET', 'development-operator-secret'],
      ['DEV_HOSTS', 'a.example=127.0.0.1:1'],
      ['CLOCK_OFFSET_S', '0'],
      ['DEV_CLIENT_SECRET', 'anything'],
      ['PERSON_KEY', developmentKey.toString('base64')],
      ['PERSON_KEY_PREVIOUS', developmentKey.toString('base64')],
      ['PERSON_KEY', Buffer.alloc(31).toString('base64')],
      ['PROVIDER_LIST_URL', 'http://lists.example/providers'],
    ])('refuses %s=%s', (name, value) => {
      expect(namesOf({ ...production, [name]: value })).toEqual([name]);
    });

    const operators = {
      OPS_OIDC_ISSUER: 'https://sign-in.example/operators',
      OPS_OIDC_CLIENT_ID: 'subscriptions-ops',
      OPS_OIDC_CLIENT_SECRET: 'another secret of production',
    };
    it('has an operator page when it is told where operators sign in, and none otherwise', () => {
      expect(read(production).operatorIssuer).toBeUndefined();
      expect(problemsOf({ ...production, ...operators })).toEqual([]);
      expect(read({ ...production, ...operators }).operatorIssuer).toMatchObject({
        issuer: 'https://sign-in.example/operators',
        scopeClaim: 'scope',
        mayBeAway: false,
      });
    });

    it.each(Object.keys(operators))('needs %s when it is told the rest of it', (name) => {
      expect(namesOf({ ...production, ...operators, [name]: undefined })).toEqual([name]);
    });

    it.each([
      ['OPS_OIDC_ISSUER', 'http://localhost:3010/issuer'],
      ['OPS_OIDC_CLIENT_SECRET', 'development-operator-secret'],
    ])('refuses %s=%s', (name, value) => {
      expect(namesOf({ ...production, ...operators, [name]: value })).toEqual([name]);
    });
  });

  describe('keys over http', () => {
    it.each(['http://localhost:1/jwks', 'http://127.0.0.1/jwks', 'http://[::1]:8080/jwks', 'https://as.example/jwks'])(
      'may come from %s in development',
      (address) => {
        expect(problemsOf({ ...development, AS_JWKS_URL: address, OPS_JWKS_URL: address })).toEqual([]);
      },
    );

    it.each([
      'http://as.example/jwks',
      'HTTP://as.example/jwks',
      'http://localhost.evil.example/jwks',
      'http://localhost@evil.example/jwks',
      'http://127.0.0.2/jwks',
      'http://10.0.0.1/jwks',
      'http:evil.example/jwks',
      'ftp://localhost/jwks',
      'data:application/json,{}',
      'jwks.json',
    ])('may not come from %s', (address) => {
      const variables = { ...development, AS_JWKS_URL: address, OPS_JWKS_URL: address };
      expect(new Set(namesOf(variables))).toEqual(new Set(['AS_JWKS_URL', 'OPS_JWKS_URL']));
    });
  });

  describe('DEV_HOSTS', () => {
    const hosts = (text: string) => read({ ...development, DEV_HOSTS: text }).hostAddresses;

    it('adds to the sample client, or moves it', () => {
      expect(hosts('a.example=127.0.0.1:9443,b.example=[::1]:1, c=proxy:65535,')).toEqual({
        'sample-client.example': { address: '127.0.0.1', port: 3011 },
        'a.example': { address: '127.0.0.1', port: 9443 },
        'b.example': { address: '::1', port: 1 },
        c: { address: 'proxy', port: 65535 },
      });
      expect(hosts('sample-client.example=10.0.0.1:1')).toEqual({
        'sample-client.example': { address: '10.0.0.1', port: 1 },
      });
      expect(read({ ...development, SAMPLE_CLIENT_TLS_PORT: '4000' }).hostAddresses).toEqual({
        'sample-client.example': { address: '127.0.0.1', port: 4000 },
      });
    });

    it.each([
      'a.example',
      'a.example=127.0.0.1',
      'a.example=127.0.0.1:',
      'a.example=:1',
      'a.example=127.0.0.1:65536',
      'a.example=127.0.0.1:x',
      'a.example=::1:1',
      'a.example=https://127.0.0.1:1',
      'A.EXAMPLE=127.0.0.1:1',
      '=127.0.0.1:1',
      'a.example=127.0.0.1:1;b.example=127.0.0.1:1',
    ])('is refused as %s', (text) => {
      expect(problemsOf({ ...development, DEV_HOSTS: text })).toEqual([
        'DEV_HOSTS: must look like name=127.0.0.1:9443,...',
      ]);
    });
  });

  describe('how clients show who they are', () => {
    const read = (variables: Variables) => readConfig({ ...development, ...variables }, '/project');

    it('is a secret in development only, which may be another one', () => {
      expect(read({}).clientAuthentication.secret).toBe('development-only');
      expect(read({ DEV_CLIENT_SECRET: 'other' }).clientAuthentication.secret).toBe('other');
    });

    it('is a header only together with those who may send it', () => {
      const header = { CLIENT_CERT_HEADER: 'Client-Cert' };
      const proxies = { TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16,::1,2001:db8::/32' };
      expect(read({ ...header, ...proxies }).clientAuthentication).toMatchObject({
        certificateHeader: 'Client-Cert',
        trustedProxies: ['10.0.0.1', '10.1.0.0/16', '::1', '2001:db8::/32'],
      });
      for (const one of [header, proxies]) {
        expect(problemsOf({ ...development, ...one })).toEqual([
          'CLIENT_CERT_HEADER, TRUSTED_PROXIES: one is no use without the other',
        ]);
      }
    });

    it.each(['proxy', '10.0.0', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1', '/8'])(
      'does not take %s for an address or a network',
      (text) => {
        expect(namesOf({ ...development, CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: text })).toEqual([
          'TRUSTED_PROXIES',
        ]);
      },
    );

    it('says where machines find the backchannel: at our own name, unless it is mapped elsewhere', () => {
      const url = (variables: Variables) => read(variables).http.backchannelUrl;
      const own = { PUBLIC_URL: 'https://subscriptions.example', BACKCHANNEL_PORT: '8443' };
      expect(url({})).toBeUndefined();
      expect(url({ BACKCHANNEL_URL: 'https://machines.example' })).toBeUndefined();
      expect(url(own)).toBe('https://subscriptions.example:8443');
      expect(url({ ...own, BACKCHANNEL_URL: 'https://machines.example/' })).toBe('https://machines.example');
    });
  });

  it('reads lists of names and flags', () => {
    const config = read({
      ...development,
      ROLES: 'api, relay',
      OWN_HOSTS: 'One.example,two.example',
      KAFKA_BROKERS: 'a:1, b:2',
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'user',
      KAFKA_SASL_PASSWORD: 'password',
      PUBLIC_URL: 'https://subscriptions.example//',
    });
    expect([...config.roles]).toEqual(['api', 'relay']);
    expect([...config.ownHosts!]).toEqual(['one.example', 'two.example']);
    expect(config.kafka).toMatchObject({ brokers: ['a:1', 'b:2'], ssl: true, createTopics: true });
    expect(config.http.publicUrl).toBe('https://subscriptions.example');
    expect(problemsOf({ ...development, KAFKA_SASL_MECHANISM: 'plain' })).toEqual([
      'KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: are needed with KAFKA_SASL_MECHANISM',
    ]);
  });
});
