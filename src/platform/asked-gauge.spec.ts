import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { askedGauge } from './asked-gauge';

describe('a gauge that is asked for', () => {
  const scrape = async (labelNames: string[], ask: Parameters<typeof askedGauge>[0]['ask']) => {
    const registry = new Registry();
    askedGauge({ registry, name: 'figure', help: 'a figure', labelNames, ask });
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line !== '' && !line.startsWith('#'));
  };

  it('has the values of this moment', async () => {
    expect(await scrape([], () => Promise.resolve([{ value: 3 }]))).toEqual(['figure 3']);
    expect(await scrape(['client'], () => Promise.resolve([{ labels: { client: 'a' }, value: 2 }]))).toEqual([
      'figure{client="a"} 2',
    ]);
  });

  it.each([[[]], [['client']]])(
    'with labels %j has no value, and fails nobody, while what it asks is away',
    async (labelNames) => {
      expect(await scrape(labelNames, () => Promise.reject(new Error('away')))).toEqual([]);
      expect(await scrape(labelNames, () => Promise.resolve([]))).toEqual([]);
    },
  );

  describe('that nobody answers', () => {
    afterEach(() => void jest.useRealTimers());

    it('is waited for a while, so that a scrape has the other figures, and is not asked again meanwhile', async () => {
      jest.useFakeTimers();
      const registry = new Registry();
      let questions = 0;
      let answer: (values: { value: number }[]) => void = () => undefined;
      askedGauge({
        registry,
        name: 'figure',
        help: 'a figure',
        ask: () => {
          questions += 1;
          return new Promise((resolve) => (answer = resolve));
        },
      });
      const scrape = async () => {
        const [text] = await Promise.all([registry.metrics(), jest.advanceTimersByTimeAsync(5_000)]);
        return text;
      };
      for (let n = 0; n < 3; n += 1) expect(await scrape()).not.toMatch(/^figure/m);
      expect(questions).toBe(1);
      answer([{ value: 1 }]);
      await jest.advanceTimersByTimeAsync(0);
      const next = registry.metrics();
      answer([{ value: 2 }]);
      expect(await next).toMatch(/^figure 2$/m);
      expect(questions).toBe(2);
    });
  });
});
