import { describe, expect, it } from '@jest/globals';
import type { Delisting, Phase } from './delisting.store';
import { nextPhase } from './next-phase';

const since = new Date('2026-03-01T12:00:00Z');
const after = (days: number) => new Date(since.getTime() + days * 86_400_000);
const next = (kind: Delisting['kind'], phase: Phase, isListed: boolean, now = after(1)) =>
  nextPhase({ kind, name: 'n', service_id: '', since, phase }, { isListed, endAfterDays: 30, now });

describe('what has left the lists', () => {
  it('rests until its days are over, then ends, and is left alone after that', () => {
    for (const kind of ['client', 'service'] as const) {
      expect(next(kind, 'resting', false, new Date(after(30).getTime() - 1))).toBeUndefined();
      expect(next(kind, 'resting', false, after(30))).toBe('ending');
      expect(next(kind, 'ending', false, after(30))).toBe('ending');
      expect(next(kind, 'ended', false, after(400))).toBeUndefined();
    }
  });

  it.each<Phase>(['resting', 'ending', 'ended'])('comes back by itself when it is listed again while %s', (phase) => {
    expect(next('client', phase, true, after(31))).toBe('back');
    expect(next('service', phase, true, after(31))).toBe('resuming');
  });

  it('finishes what was begun, whatever the lists say meanwhile', () => {
    for (const isListed of [true, false]) {
      expect(next('service', 'suspending', isListed, after(31))).toBe('suspending');
      expect(next('service', 'resuming', isListed, after(31))).toBe('resuming');
    }
  });
});
