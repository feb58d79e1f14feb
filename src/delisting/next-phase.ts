import type { Delisting, Phase } from './delisting.store';

const dayMs = 24 * 60 * 60 * 1000;

/**
 * What is to be done now about something that was gone; undefined when there is nothing to do but to wait. Pure.
 *
 * A walk that was begun is finished first, so that what it has suspended is all there to be resumed.
 */
export function nextPhase(
  { kind, phase, since }: Delisting,
  { isListed, endAfterDays, now }: { isListed: boolean; endAfterDays: number; now: Date },
): Phase | 'back' | undefined {
  if (phase === 'suspending' || phase === 'resuming') return phase;
  if (isListed) return kind === 'client' ? 'back' : 'resuming';
  if (phase === 'ending') return phase;
  const isDue = now.getTime() >= since.getTime() + endAfterDays * dayMs;
  return phase === 'resting' && isDue ? 'ending' : undefined;
}
