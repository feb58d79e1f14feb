import { describe, expect, it } from '@jest/globals';
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
});
