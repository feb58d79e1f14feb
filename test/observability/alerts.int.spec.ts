import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parser } from '@prometheus-io/lezer-promql';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { TestService } from '../support/app';
import { TestBackchannel } from '../support/backchannel';

const docs = join(__dirname, '../../docs');
const read = (path: string) => readFileSync(join(docs, path), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
interface Dashboard {
  panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
}

const rules = (parse(read('alerts/medmij-subscriptions.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(read('grafana/medmij-subscriptions.json')) as Dashboard;
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets);
/** Grafana puts an interval of its own in; a parser of Prometheus does not know that name. */
const expressions = [...rules.map(({ expr }) => expr), ...shown.map(({ expr }) => withInterval(expr))];

function withInterval(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m');
}

/** Which specification shows each figure to move, for a rule on one that is never set can never ring. */
const shownIn: Record<string, string> = {
  medmij_audit_lines_lost_total: 'audit/audit-trail.int',
  medmij_authorizations_total: 'authorization/interactions.int',
  medmij_availability_checks_total: 'resource-changes/availability-check.int',
  medmij_check_status: 'journeys/health.e2e',
  medmij_client_calls_total: 'client-connections/connections.int',
  medmij_client_certificate_expiry_timestamp_seconds: 'client-connections/connections.int',
  medmij_client_connection_failures_total: 'client-connections/misbehaving-receiver.int',
  medmij_client_connections: 'client-connections/pools.int',
  medmij_client_handshakes_total: 'client-connections/connections.int',
  medmij_client_suspended: 'journeys/endpoints.e2e',
  medmij_command_batch_seconds: 'journeys/health.e2e',
  medmij_command_conflicts_total: 'event-store/command-batcher.int',
  medmij_commands_total: 'journeys/health.e2e',
  medmij_commands_waiting: 'journeys/health.e2e',
  medmij_database_connections: 'journeys/health.e2e',
  medmij_deliveries_at_risk: 'notifications/delivery-metrics.int',
  medmij_deliveries_lost: 'notifications/delivery-ledger.int',
  medmij_deliveries_total: 'notifications/delivery-metrics.int',
  medmij_delivery_attempt_seconds: 'notifications/delivery-metrics.int',
  medmij_delivery_attempts_total: 'notifications/delivery-metrics.int',
  medmij_delivery_breaker_state: 'notifications/delivery-metrics.int',
  medmij_delivery_deadlines_total: 'notifications/delivery-metrics.int',
  medmij_delivery_oldest_undelivered_seconds: 'notifications/delivery-metrics.int',
  medmij_delivery_rate_waits_total: 'journeys/endpoints.e2e',
  medmij_endpoint_failing_seconds: 'journeys/endpoints.e2e',
  medmij_endpoint_looks_total: 'journeys/endpoint-watch.e2e',
  medmij_endpoints_warned: 'journeys/endpoints.e2e',
  medmij_http_request_seconds: 'journeys/health.e2e',
  medmij_intake_records_total: 'journeys/dead-letters.e2e',
  medmij_list_age_seconds: 'journeys/lists.e2e',
  medmij_log_events_read_total: 'journeys/health.e2e',
  medmij_log_held_seconds: 'event-store/log-watch.int',
  medmij_log_page_seconds: 'journeys/health.e2e',
  medmij_parked_streams: 'journeys/parked.e2e',
  medmij_person_key_moved_ratio: 'journeys/person-key.e2e',
  medmij_planner_lag_events: 'journeys/health.e2e',
  medmij_planner_lag_seconds: 'journeys/health.e2e',
  medmij_projection_differing: 'journeys/projections.e2e',
  medmij_projection_lag_events: 'journeys/health.e2e',
  medmij_projection_lag_seconds: 'journeys/health.e2e',
  medmij_relay_lag_events: 'journeys/health.e2e',
  medmij_relay_lag_seconds: 'journeys/health.e2e',
  medmij_server_certificate_expiry_timestamp_seconds: 'contract/backchannel.int',
};
/** What prom-client itself measures of the process. */
const ofTheProcess = /^medmij_(nodejs|process)_/;

/** Labels that Prometheus adds, and the one of every histogram. */
const labelsOfPrometheus = ['instance', 'job', 'le'];

/** What an expression asks for: metrics with the labels that it names, as Prometheus's own grammar reads it. */
function askedBy(expr: string): { metrics: Set<string>; labels: Set<string>; isSound: boolean } {
  const asked = { metrics: new Set<string>(), labels: new Set<string>(), isSound: true };
  parser.parse(expr).iterate({
    enter: ({ name, type, from, to }) => {
      if (type.isError) asked.isSound = false;
      if (name === 'Identifier') asked.metrics.add(expr.slice(from, to));
      if (name === 'LabelName') asked.labels.add(expr.slice(from, to));
    },
  });
  return asked;
}

describe('the alert rules and the dashboard', () => {
  let service: TestService;
  /** Every name that a scrape can show, with the labels it can have. */
  let metrics: Map<string, string[]>;
  /** Before anything has happened. */
  let scrape: string;
  beforeAll(async () => {
    // Some figures are there only while a key is rotated, or on a port of their own.
    service = await TestService.start({ PERSON_KEY_PREVIOUS: randomBytes(32).toString('base64') });
    await TestBackchannel.of(service);
    scrape = (await service.send('GET', '/metrics', {})).text;
    const registry = service.world.app.get(Registry);
    metrics = new Map();
    for (const [, name, kind] of scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      const { labelNames } = registry.getSingleMetric(name!) as unknown as { labelNames: string[] };
      const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const suffix of suffixes) metrics.set(`${name}${suffix}`, labelNames);
    }
  });
  afterAll(() => service.stop());

  it('are there', () => {
    expect(rules.length).toBeGreaterThan(20);
    expect(shown.length).toBeGreaterThan(30);
  });

  it.each(expressions)('ask in Prometheus’s own language for what the service shows: %s', (expr) => {
    const { metrics: names, labels, isSound } = askedBy(expr);
    expect(isSound).toBe(true);
    expect(names.size).toBeGreaterThan(0);
    const known = new Set(labelsOfPrometheus);
    for (const name of names) {
      expect([...metrics.keys()]).toContain(name);
      for (const label of metrics.get(name)!) known.add(label);
    }
    for (const label of labels) expect([...known]).toContain(label);
  });

  it('ask for what a specification shows to move', () => {
    const asked = new Set(expressions.flatMap((expr) => [...askedBy(expr).metrics]));
    const figures = new Set([...asked].map((name) => name.replace(/_(bucket|count)$/, '')));
    expect([...figures].filter((name) => !ofTheProcess.test(name)).sort()).toEqual(Object.keys(shownIn));
    for (const [name, path] of Object.entries(shownIn)) {
      const spec = readFileSync(join(__dirname, `../${path}.spec.ts`), 'utf8');
      // One name may stand for the seconds and the events of a reader.
      expect([name, spec.includes(name) || spec.includes(name.replace(/(seconds|events)$/, '%'))]).toEqual([
        name,
        true,
      ]);
    }
  });

  it('see the first of its kind too: what is counted is 0 from the start, or missed by who looks back', () => {
    const counted = rules.flatMap(({ alert, expr }) =>
      // Of requests that fail there are many before their part counts; the first one may be missed.
      /^sum\(rate\(medmij_http_request_seconds_count/.test(expr)
        ? []
        : [...expr.matchAll(/(?:increase|rate)\((\w+)(?:\{(\w+)=~?"([^"]*)"\})?\[/g)].map(([, name, label, value]) => ({
            alert,
            name: name!,
            ...(label !== undefined && { label, values: value!.split('|') }),
            looksBack: expr.includes(`unless ${name}{${label}="${value}"} offset`),
          })),
    );
    expect(counted.length).toBeGreaterThan(8);
    for (const { alert, name, label, values = [undefined], looksBack } of counted)
      for (const value of values) {
        const series = new RegExp(`^${name}${label === undefined ? '[ {]' : `\\{.*${label}="${value}"`}`, 'm');
        expect([alert, value, looksBack || series.test(scrape)]).toEqual([alert, value, true]);
      }
  });

  it('would be found to be wrong', () => {
    expect(askedBy('sum(rate(medmij_commands_total[5m)').isSound).toBe(false);
    expect([...askedBy('sum by (colour) (medmij_no_such_thing{shade="x"})').metrics]).toEqual(['medmij_no_such_thing']);
    expect([...askedBy('sum by (colour) (medmij_no_such_thing{shade="x"})').labels]).toEqual(['colour', 'shade']);
    expect([...metrics.keys()]).not.toContain('medmij_no_such_thing');
  });

  it('speak of labels that their expressions keep', () => {
    const texts = [
      ...rules.map(({ expr, annotations }) => ({ expr, text: annotations.summary })),
      ...shown.map(({ expr, legendFormat }) => ({ expr: withInterval(expr), text: legendFormat })),
    ];
    for (const { expr, text } of texts)
      for (const [, label] of text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)) {
        const isBare = !/\bby\b/.test(expr);
        if (!isBare || label !== 'instance')
          expect([text, [...askedBy(expr).labels]]).toEqual([text, expect.arrayContaining([label])]);
      }
  });

  it('have names that are used once', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const titles = dashboard.panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('have each a section in the operations guide, which has no other', () => {
    const guide = read('operations.md');
    const sections = guide.slice(guide.indexOf('\n## Alerts\n'));
    const named = [...sections.slice(0, sections.indexOf('\n## ', 1)).matchAll(/^### (\S+)\n\n(\S.{40,})/gm)];
    expect(named.map(([, name]) => name)).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
  });

  it('and the guides name no metric that does not exist', () => {
    for (const path of ['operations.md', 'scaling.md'])
      for (const [name] of read(path).matchAll(/\bmedmij_[a-z0-9_]+/g))
        expect([...metrics.keys(), ...[...metrics.keys()].map((key) => key.replace(/_bucket$/, ''))]).toContain(name);
  });
});
