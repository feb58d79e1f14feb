import { Gauge, type Registry } from 'prom-client';

export interface AskedGaugeOptions<Label extends string> {
  registry: Registry;
  name: string;
  help: string;
  labelNames?: readonly Label[];
  /** The values at this moment. */
  ask: () => Promise<readonly { labels?: Partial<Record<Label, string>>; value: number }[]>;
}

/** A scrape waits no longer for one figure, so that one which is not answered does not cost it all others. */
const answerWithinMs = 3_000;

/** A gauge that is asked for at each scrape. While what it asks is away it has no value, and the other metrics still have. */
export function askedGauge<Label extends string>({
  registry,
  name,
  help,
  labelNames = [],
  ask,
}: AskedGaugeOptions<Label>): void {
  let asked: ReturnType<typeof ask> | undefined;
  // A question that is not answered is not asked again beside itself, however often somebody scrapes.
  const askOnce = () => (asked ??= ask().finally(() => (asked = undefined)));
  new Gauge<Label>({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    async collect() {
      const values = await inTime(askOnce()).catch(() => []);
      this.reset();
      // Resetting a gauge without labels makes it 0, which would be an answer.
      if (values.length === 0 && labelNames.length === 0) this.remove();
      for (const { labels, value } of values) this.set((labels ?? {}) as Record<Label, string>, value);
    },
  });
}

async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No answer in time.')), answerWithinMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
