import type { Load } from './closed-loop';
import { median, summarize } from './latency';
import type { Measurement } from './benchmark';
import type { UsageMeter } from './usage';

export interface Sides {
  readonly name: string;
  readonly unit: string;
  readonly ours: () => Promise<Load>;
  readonly bare: { readonly name: string; readonly run: () => Promise<Load> };
}

/**
 * Our side and the bare one in turns, so that a slow moment of the machine hits both. A first round warms both up and is
 * not counted. The ratio is the median of the rounds' ratios.
 */
export async function inTurns(rounds: number, meter: UsageMeter, sides: Sides): Promise<Measurement> {
  await sides.bare.run();
  await sides.ours();
  const pairs: { ours: Load; bare: Load }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const bare = await sides.bare.run();
    pairs.push({ bare, ours: await meter.watch(sides.ours) });
  }
  const rate = (side: 'ours' | 'bare') => median(pairs.map((pair) => pair[side].perSecond));
  const latency = (side: 'ours' | 'bare') => {
    const all = pairs.flatMap((pair) => pair[side].latenciesMs);
    return all.length > 0 ? { latencyMs: summarize(all) } : {};
  };
  return {
    name: sides.name,
    unit: sides.unit,
    value: rate('ours'),
    ...latency('ours'),
    ratio: median(pairs.map(({ ours, bare }) => ours.perSecond / bare.perSecond)),
    bound: { name: sides.bare.name, value: rate('bare'), ...latency('bare') },
  };
}
