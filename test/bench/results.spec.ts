import { describe, expect, it } from '@jest/globals';
import type { Goal } from '../../bench/benchmark';
import { isMet } from '../../bench/benchmark';
import { goalChart } from '../../bench/goal-chart';
import { summarize } from '../../bench/latency';
import { benchmarkNames, readOptions } from '../../bench/options';
import { withTable } from '../../bench/performance-page';
import { reportOf } from '../../bench/report';
import type { Result } from '../../bench/results';
import { inTurns } from '../../bench/rounds';
import { SpanReceiver } from '../../bench/span-receiver';
import { UsageMeter } from '../../bench/usage';

const goal = (given: Partial<Goal>): Goal => ({
  text: 'part of the bound',
  value: 0.8,
  relation: 'at least',
  limit: 0.75,
  unit: '',
  ...given,
});

const result = (given: Partial<Result> = {}): Result => ({
  name: 'append',
  title: 'Commands',
  date: '2026-11-23T00:00:00.000Z',
  machine: { cores: 2, memoryGiB: 24, platform: 'linux x64', node: '20', postgres: '18', kafka: '4', fdatasyncMs: 0.2 },
  options: { seconds: 1, rounds: 1, events: 1, sizes: [1] },
  measurements: [
    { name: '8 in flight', unit: 'commands/s', value: 4_000, bound: { name: 'bare', value: 5_000 }, ratio: 0.8 },
  ],
  goals: [{ ...goal({}), met: true }],
  usage: { cores: 1, rssPeakMiB: 100 },
  checked: { seen: 1 },
  faults: [],
  ...given,
});

describe('the options of npm run bench', () => {
  it('are all benchmarks and the sizes of the goals when nothing is said', () => {
    expect(readOptions([])).toMatchObject({ names: benchmarkNames, sizes: [10_000, 1_000_000] });
    expect(readOptions(['--full']).sizes).toEqual([10_000, 1_000_000, 5_000_000]);
  });

  it('take names, lengths and sizes', () => {
    expect(readOptions(['append', '--seconds=0.5', '--rounds', '2', '--sizes', '10,20', '--out', 'x'])).toMatchObject({
      names: ['append'],
      seconds: 0.5,
      rounds: 2,
      sizes: [10, 20],
      out: 'x',
    });
  });

  it.each([['--seconds', '0'], ['--rounds', '1.5'], ['--sizes', '10,many'], ['--speed', '1'], ['fast']])(
    'refuse %s %s with the usage',
    (...args) => expect(() => readOptions(args)).toThrow(/npm run bench -- /),
  );
});

describe('the figures of a benchmark', () => {
  it('are percentiles that were really measured', () => {
    const latencies = Array.from({ length: 1_000 }, (_, index) => 1_000 - index);
    expect(summarize(latencies)).toEqual({ p50: 500, p99: 990, p99_9: 999 });
  });

  it('compare the two sides of each round, and leave the first round out', async () => {
    const rates = { ours: [1, 10, 30, 8], bare: [1, 20, 40, 10] };
    const next = (side: 'ours' | 'bare') => () =>
      Promise.resolve({ perSecond: rates[side].shift()!, latenciesMs: [1] });
    const measured = await inTurns(3, new UsageMeter(), {
      name: 'both',
      unit: '/s',
      ours: next('ours'),
      bare: { name: 'bare', run: next('bare') },
    });
    expect(measured).toMatchObject({ value: 10, bound: { value: 20 }, ratio: 0.75 });
  });

  it('meet a goal at its very limit', () => {
    expect([0.75, 0.74].map((value) => isMet(goal({ value })))).toEqual([true, false]);
    expect([2, 2.1].map((value) => isMet(goal({ value, limit: 2, relation: 'at most' })))).toEqual([true, false]);
  });
});

describe('what a benchmark shows', () => {
  it('says on the terminal what was missed and what was wrong', () => {
    const missed = result({ goals: [{ ...goal({ value: 0.5 }), met: false }], faults: ['event 7 is lost'] });
    expect(reportOf(missed)).toMatch(/FAULT event 7 is lost[\s\S]*MISSED part of the bound: 0.5 \(at least 0.75\)/);
  });

  const page =
    '# Performance\n\nbefore\n<!-- written by npm run bench, from bench/results: begin -->\nold\n<!-- written by npm run bench, from bench/results: end -->\nafter\n';

  it('puts the table between the marks of the page, once, and leaves the rest alone', () => {
    const once = withTable(page, [result()]);
    expect(once).toMatch(
      /before\n[\s\S]*\| 8 in flight \| 4,000 commands\/s \|[\s\S]*- met: part of the bound[\s\S]*\nafter\n$/,
    );
    expect(once).not.toContain('old');
    expect(withTable(once, [result()])).toBe(once);
    expect(() => withTable('# Performance', [])).toThrow('marks');
  });

  it('draws a bar a goal', () => {
    const chart = goalChart([result(), result({ goals: [{ ...goal({ text: 'a < b' }), met: false }] })]);
    expect(chart.match(/<rect /g)).toHaveLength(3);
    expect(chart).toContain('a &lt; b');
  });
});

describe('a collector of spans', () => {
  it('counts those that it is sent, and not those that they refer to', async () => {
    const receiver = await SpanReceiver.start();
    const spans = [{ spanId: 'a' }, { spanId: 'b', parentSpanId: 'a' }];
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    const answer = await fetch(`${receiver.endpoint}/v1/traces`, { method: 'POST', body });
    expect([answer.status, await answer.text()]).toEqual([200, '{}']);
    expect([receiver.spans, receiver.bytes]).toEqual([2, body.length]);
    receiver.stop();
  });
});
