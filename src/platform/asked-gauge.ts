import { Gauge, type Registry } from 'prom-client';

export interface AskedGaugeOptions<Label extends string> {
  registry: Registry;
  name: string;
  help: string;
  labelNames?: readonly Label[];
  /** The values at this moment. */
  ask: () => Promise<readonly { labels?: Partial<Record<Label, string>>; value: number }[]>;
}

/** A gauge that is asked for at each scrape. While what it asks is away it has no value, and the other metrics still have. */
export function askedGauge<Label extends string>({
  registry,
  name,
  help,
  labelNames = [],
  ask,
}: AskedGaugeOptions<Label>): void {
  new Gauge<Label>({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    async collect() {
      const values = await ask().catch(() => []);
      this.reset();
      // Resetting a gauge without labels makes it 0, which would be an answer.
      if (values.length === 0 && labelNames.length === 0) this.remove();
      for (const { labels, value } of values) this.set((labels ?? {}) as Record<Label, string>, value);
    },
  });
}
