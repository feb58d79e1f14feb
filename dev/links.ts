import { bold, cyan, quiet, say } from './console';
import type { Settings } from './settings';

export async function printLinks(
  { serviceUrl, publicUrl, sampleClientPort }: Settings,
  environment: NodeJS.ProcessEnv,
) {
  const link = (name: string, target: string) => say(`  ${name.padEnd(20)} ${cyan(target)}`);
  say(`\n${bold('medmij-subscriptions is running')}`);
  for (const [name, path] of pages) {
    // With ROLES some doors stay closed, and a link to nothing helps nobody.
    if (await exists(`${serviceUrl}${path}`)) link(name, `${publicUrl}${path}`);
  }
  link('Kafka', environment.KAFKA_BROKERS!);
  link('A token', 'npm run --silent token -- authorizations:write');
  say(quiet('  Ctrl-C stops everything.'));
  say(`\n${bold('Walk through it in a browser:')} ${cyan(`http://localhost:${sampleClientPort}/`)}`);
}

const pages = [
  ['Operator page', '/ops/'],
  ['My subscriptions', '/my/subscriptions'],
  ['API documentation', '/api-docs'],
  ['OpenAPI', '/api-docs-json'],
  ['AsyncAPI', '/asyncapi.json'],
  ['Readiness', '/health/ready'],
  ['Metrics', '/metrics'],
] as const;

const exists = (url: string) =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2_000) }).then(
    ({ status }) => status !== 404,
    () => false,
  );
