import { seededRandom } from '../support/random';

export const roles = ['api', 'relay', 'projector', 'delivery', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** One thing that goes wrong. Times are in ms; `pick` chooses among several victims. */
export type Fault =
  | { kind: 'kill'; role: Role; pick: number; downMs: number }
  | { kind: 'freeze'; role: Role; pick: number; forMs: number }
  | { kind: 'cut connections' }
  | { kind: 'lose answers'; count: number }
  | { kind: 'stop database'; how: 'fast' | 'immediate'; downMs: number }
  | { kind: 'stop broker'; how: 'in order' | 'kill -9'; downMs: number }
  | { kind: 'freeze broker'; forMs: number }
  | { kind: 'rebalance'; forMs: number };

/** A fault, and how long everything is left alone before it. */
export type PlannedFault = Fault & { pauseMs: number };

type Range = readonly [fromMs: number, toMs: number];

/** What a round consists of, and how long things last, from and to. */
export interface FaultMix {
  /** Whose process is killed, each once a round. */
  killed: readonly Role[];
  /** Whose process is frozen, each once a round. */
  frozen: readonly Role[];
  /** Stops of the broker in a round; a round of one has either. */
  brokerStops: 1 | 2;
  pauseMs: Range;
  processDownMs: Range;
  processFrozenMs: Range;
  databaseDownMs: Range;
  brokerDownMs: Range;
  brokerFrozenMs: Range;
  rebalanceMs: Range;
}

/** A lease of a reader lasts 4 s: whoever is frozen for longer has lost it. */
export const shortMix: FaultMix = {
  killed: ['api', 'projector'],
  frozen: ['relay', 'projector'],
  brokerStops: 1,
  pauseMs: [200, 1_200],
  processDownMs: [100, 1_500],
  processFrozenMs: [4_500, 6_000],
  databaseDownMs: [200, 1_500],
  brokerDownMs: [200, 2_000],
  brokerFrozenMs: [2_000, 4_000],
  rebalanceMs: [500, 2_000],
};

/** A lease of a delivery lasts 14 s; a broker may be away for minutes. */
export const longMix: FaultMix = {
  killed: roles,
  frozen: ['relay', 'projector', 'delivery'],
  brokerStops: 2,
  pauseMs: [500, 8_000],
  processDownMs: [100, 15_000],
  processFrozenMs: [4_500, 25_000],
  databaseDownMs: [200, 20_000],
  brokerDownMs: [1_000, 150_000],
  brokerFrozenMs: [2_000, 90_000],
  rebalanceMs: [500, 15_000],
};

/** Comes first and alone, and is down until its leases have run out: what nothing else disturbs can be measured. */
export const openingKill: PlannedFault = { kind: 'kill', role: 'relay', pick: 1, downMs: 6_000, pauseMs: 2_000 };

/** Faults of the service's own processes, one after the other, round after round. */
export function* processFaults(seed: number, mix: FaultMix): Generator<PlannedFault[]> {
  const chance = new Chance(seed);
  for (;;) {
    const pick = () => chance.below(1_000);
    const kills = mix.killed.map((role): Fault => ({
      kind: 'kill',
      role,
      pick: pick(),
      downMs: chance.within(mix.processDownMs),
    }));
    const freezes = mix.frozen.map((role): Fault => ({
      kind: 'freeze',
      role,
      pick: pick(),
      forMs: chance.within(mix.processFrozenMs),
    }));
    yield chance.shuffled([...kills, ...freezes]).map((fault) => ({ ...fault, pauseMs: chance.within(mix.pauseMs) }));
  }
}

/** Faults of what the service stands on, one after the other, beside those of the processes. */
export function* serverFaults(seed: number, mix: FaultMix): Generator<PlannedFault[]> {
  const chance = new Chance(seed + 1);
  for (;;) {
    const databaseDownMs = () => chance.within(mix.databaseDownMs);
    const brokerStops = chance
      .shuffled(['in order', 'kill -9'] as const)
      .slice(0, mix.brokerStops)
      .map((how): Fault => ({ kind: 'stop broker', how, downMs: chance.within(mix.brokerDownMs) }));
    const round: Fault[] = [
      ...brokerStops,
      { kind: 'cut connections' },
      { kind: 'lose answers', count: 4 + chance.below(8) },
      { kind: 'lose answers', count: 1 + chance.below(4) },
      { kind: 'stop database', how: 'fast', downMs: databaseDownMs() },
      { kind: 'stop database', how: 'immediate', downMs: databaseDownMs() },
      { kind: 'freeze broker', forMs: chance.within(mix.brokerFrozenMs) },
      { kind: 'rebalance', forMs: chance.within(mix.rebalanceMs) },
    ];
    yield chance.shuffled(round).map((fault) => ({ ...fault, pauseMs: chance.within(mix.pauseMs) }));
  }
}

/** Everything that chance decides comes from the seed, in one order, so that a plan can be had again. */
class Chance {
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  within([from, to]: Range): number {
    return Math.round(from + this.random() * (to - from));
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, order: this.random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ item }) => item);
  }
}
