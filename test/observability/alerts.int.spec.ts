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
  beforeAll(async () => {
    // Some figures are there only while a key is rotated, or on a port of their own.
    service = await TestService.start({ PERSON_KEY_PREVIOUS: randomBytes(32).toString('base64') });
    await TestBackchannel.of(service);
    const scrape = (await service.send('GET', '/metrics', {})).text;
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
