import type { WritersWorld } from '../event-store/log-writers';
import type { BulkLedger } from './bulk-ledger';
import type { HistoryCheck } from './checks/history-check';
import type { RepeatLimits } from './checks/published-check';
import type { FaultMaker } from './fault-maker';
import type { RequestLoad } from './request-load';
import type { SuiteForm } from './suite-form';

/** A run that is over, and what was measured of it. */
export interface FinishedRun {
  form: SuiteForm;
  ledger: BulkLedger;
  load: RequestLoad;
  maker: FaultMaker;
  check: HistoryCheck;
  writersWorld: WritersWorld;
  limits: RepeatLimits;
  violationCount: number;
  takeovers: { reader: string; ms: number }[];
  lostAnswers: number;
  startedMs: number;
  settledMs: number;
}

/** The counts of a run, for people; the first line says with which seed it can be had again. */
export function reportLines(run: FinishedRun): string[] {
  const { form, ledger, load, maker, check, writersWorld, limits, violationCount } = run;
  const { requests, told, log, view, leases } = check;
  const published = check.published.counts(limits);
  const outcome = violationCount === 0 ? 'no property was broken' : `${violationCount} violations`;
  const rows: [string, string][] = [
    ['events in the log', `${log.count}, of them ${ledger.committed} by 32 direct writers`],
    ['turns of the writers', `${listed(writersWorld.turns)}; conflicts: ${listed(writersWorld.conflicts)}`],
    [
      'requests over HTTP',
      `${requests.counts.acknowledged} acknowledged and ${requests.counts.refused} refused in ${load.attempts.length} tries`,
    ],
    [
      'requests over Kafka',
      `${load.sent.size} handed in, ${requests.counts.received} on the topic, ${requests.counts.buried} dead letters`,
    ],
    ['faults', `${listed(maker.counts)}; ${run.lostAnswers} answers were lost after their commit`],
    [
      'takeovers after kill -9',
      run.takeovers.map(({ reader, ms }) => `${reader} ${seconds(ms)}`).join(', ') ||
        'each was disturbed by another fault',
    ],
    ['leases taken', listed(countBy(leases.steps.map(({ reader }) => reader)))],
    [
      'records on Kafka',
      `${published.records}, of them ${published.repeats} repeats (at most ${published.repeatsMax})`,
    ],
    ['subscriptions in view', `${view.count}, each as a fresh fold of the log says, live and rebuilt`],
    [
      'notifications',
      `${told.counts.notifications} received, of them ${told.counts.repeats} repeats; ${told.counts.superseded} superseded by newer ones`,
    ],
    [
      'time and memory',
      `${seconds(Date.now() - run.startedMs)} in all, at rest ${seconds(run.settledMs)} after the last fault; ${megabytes()} MB in this process`,
    ],
  ];
  return [`fault suite, seed ${form.seed}: ${outcome}`, ...rows.map(([name, text]) => `  ${name.padEnd(24)} ${text}`)];
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const megabytes = () => Math.round(process.memoryUsage().rss / 1e6);

const listed = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'none';

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
