import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually';
import { createLogger } from './logger';
import { Signal } from './signal';
import { type StepOutcome, WorkLoop } from './work-loop';

const hourMs = 3_600_000;
const log = createLogger('silent');

describe('a work loop', () => {
  it('looks again at once when it is woken during a step, for the step may have looked too early', async () => {
    const wakeUp = new Signal();
    let steps = 0;
    const step = (): Promise<StepOutcome> => {
      steps += 1;
      if (steps === 1) wakeUp.raise();
      return Promise.resolve('idle');
    };
    const loop = new WorkLoop({ name: 'test', step, idleMs: hourMs, wakeUp, log });
    loop.start();
    await eventually(() => expect(steps).toBe(2), 1_000);
    wakeUp.raise();
    await eventually(() => expect(steps).toBe(3), 1_000);
    await loop.stop();
  });

  it('pauses as long as its step says', async () => {
    let steps = 0;
    const step = (): Promise<StepOutcome> => {
      steps += 1;
      return Promise.resolve({ againInMs: steps < 3 ? 1 : hourMs });
    };
    const loop = new WorkLoop({ name: 'test', step, idleMs: hourMs, log });
    loop.start();
    await eventually(() => expect(steps).toBe(3), 1_000);
    await loop.stop();
    expect(steps).toBe(3);
  });

  it('is not woken while it is failing, and stops though it pauses', async () => {
    const wakeUp = new Signal();
    let steps = 0;
    const step = (): Promise<StepOutcome> => {
      steps += 1;
      return Promise.reject(new Error('away'));
    };
    const loop = new WorkLoop({ name: 'test', step, idleMs: hourMs, wakeUp, log });
    loop.start();
    await eventually(() => expect(loop.state().lastError).toBe('away'));
    for (let n = 0; n < 100; n += 1) wakeUp.raise();
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toBe(1);
    await loop.stop();
  });
});
