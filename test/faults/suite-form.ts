import { randomInt } from 'node:crypto';
import { type FaultMix, longMix, type Role, shortMix } from './fault-plan';

/** What a run is like. Everything that chance decides follows from the seed. */
export interface SuiteForm {
  seed: number;
  /** Of the direct writers; requests come on top. */
  events: number;
  /** How long the writers spread them over, at least. */
  paceMs: number;
  streams: number;
  mix: FaultMix;
  /** How long faults go on; undefined: one round of each kind. */
  faultsMs?: number;
  /** The roles of each process; every role is there at least twice. */
  fleet: readonly (readonly Role[])[];
  actors: number;
  persons: number;
  thinkMs: number;
  settleMs: number;
}

const someSeed = () => randomInt(1_000_000);

/** One round of every fault, in about a minute. */
export function shortForm(seed = someSeed()): SuiteForm {
  return {
    seed,
    events: 10_000,
    paceMs: 25_000,
    streams: 250,
    mix: shortMix,
    fleet: [
      ['api', 'relay', 'delivery'],
      ['api', 'projector', 'scheduler'],
      ['relay', 'projector', 'delivery', 'scheduler'],
    ],
    actors: 10,
    persons: 400,
    thinkMs: 200,
    settleMs: 60_000,
  };
}

/** Round after round until the time is over and the events are written. */
export function longForm(events: number, minutes: number, seed = someSeed()): SuiteForm {
  const faultsMs = minutes * 60_000;
  return {
    seed,
    events,
    paceMs: faultsMs,
    streams: 3_000,
    mix: longMix,
    faultsMs,
    fleet: [
      ['api', 'scheduler'],
      ['api', 'delivery'],
      ['relay', 'delivery'],
      ['projector', 'scheduler'],
      ['relay', 'projector'],
    ],
    actors: 12,
    persons: 5_000,
    thinkMs: 400,
    settleMs: 300_000,
  };
}
