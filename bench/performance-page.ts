import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../dev/project';
import { goalChart } from './goal-chart';
import { number, quantity } from './report';
import { readResults, type Result } from './results';

const begin = '<!-- written by npm run bench, from bench/results: begin -->';
const end = '<!-- written by npm run bench, from bench/results: end -->';

/** Puts the results of bench/results into docs/performance.md, between its marks, and draws the chart beside it. */
export function writePerformancePage(): void {
  const page = join(projectRoot, 'docs/performance.md');
  const results = readResults(join(projectRoot, 'bench/results'));
  const text = existsSync(page) ? readFileSync(page, 'utf8') : `# Performance\n\n${begin}\n${end}\n`;
  writeFileSync(page, withTable(text, results));
  writeFileSync(join(projectRoot, 'docs/performance.svg'), goalChart(results));
}

/** @throws Error when the page lacks the marks between which the table stands */
export function withTable(page: string, results: readonly Result[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error('docs/performance.md lacks the marks between which the table stands.');
  const table = results.map(section).join('\n\n');
  return `${page.slice(0, from)}${begin}\n\n![Goals](performance.svg)\n\n${table}\n\n${page.slice(to)}`;
}

function section({ name, title, date, machine, measurements, goals, usage, options }: Result): string {
  const { cores, memoryGiB, node, postgres, kafka, fdatasyncMs } = machine;
  const rows = measurements.map(({ name: what, value, unit, latencyMs, bound, ratio }) => [
    what,
    quantity(value, unit),
    latencyMs ? [latencyMs.p50, latencyMs.p99, latencyMs.p99_9].map(number).join(' / ') : '',
    bound ? `${bound.name}: ${number(bound.value)}` : '',
    ratio === undefined ? '' : number(ratio),
  ]);
  return [
    `### \`${name}\`: ${title}`,
    '',
    '| measured | figure | p50 / p99 / p99.9 ms | raw bound | ratio |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    ...goals.map(
      ({ text, value, relation, limit, unit, met }) =>
        `- ${met ? 'met' : '**missed**'}: ${text}: ${quantity(value, unit)}, goal ${relation} ${quantity(limit, unit)}`,
    ),
    '',
    `${date.slice(0, 10)}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}, Kafka ${kafka}, one fdatasync ${number(fdatasyncMs)} ms;`,
    `the measured process used ${number(usage.cores)} cores and ${number(usage.rssPeakMiB)} MiB; rounds ${options.rounds} of ${options.seconds} s.`,
  ].join('\n');
}
