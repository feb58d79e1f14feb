import type { Measurement } from './benchmark';
import type { LatencySummary } from './latency';
import type { Result } from './results';

/** A result as lines for the terminal. */
export function reportOf(result: Result): string {
  const { title, name, machine, measurements, goals, usage, checked, faults } = result;
  const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`);
  return [
    `${name}: ${title}`,
    ...measurements.map((measurement) => `  ${measured(measurement)}`),
    `  one fdatasync ${number(machine.fdatasyncMs)} ms; this process ${number(usage.cores)} cores, ${number(usage.rssPeakMiB)} MiB at most`,
    `  checked: ${counts.join(', ')}${faults.length === 0 ? ', nothing wrong' : ''}`,
    ...faults.map((fault) => `  FAULT ${fault}`),
    ...goals.map(
      ({ text, value, relation, limit, unit, met }) =>
        `  ${met ? 'met   ' : 'MISSED'} ${text}: ${quantity(value, unit)} (${relation} ${quantity(limit, unit)})`,
    ),
  ].join('\n');
}

function measured({ name, unit, value, bound, ratio, latencyMs }: Measurement): string {
  return [
    `${name}: ${number(value)} ${unit}`,
    ...(latencyMs ? [latency(latencyMs)] : []),
    ...(bound
      ? [`${bound.name} ${number(bound.value)}${bound.latencyMs ? ` (${latency(bound.latencyMs)})` : ''}`]
      : []),
    ...(ratio !== undefined ? [`ratio ${number(ratio)}`] : []),
  ].join(', ');
}

const latency = ({ p50, p99, p99_9 }: LatencySummary) =>
  `p50 ${number(p50)} p99 ${number(p99)} p99.9 ${number(p99_9)} ms`;

/** Whole above 100, three digits below. */
export const number = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

/** With its unit; a ratio has none. */
export const quantity = (value: number, unit: string) => `${number(value)} ${unit}`.trim();
