import { createHash, randomInt } from 'node:crypto';
import type { ProjectionOperations, SubscriptionViewStore } from '../src/projections';
import type { Goal, Measurement } from './benchmark';
import { median, summarize } from './latency';
import { atPace } from './paced-loop';

const readsPerSecond = 200;
const pageSize = 50;
const lookEveryMs = 250;
/** Every subscription of the backlog is a start, another end date and an end. */
const finished = { status: 'terminated', version: 3 } as const;
const today = '2026-11-22';

export interface Rebuild {
  readonly measurements: readonly Measurement[];
  readonly goals: readonly Goal[];
  readonly faults: readonly string[];
  readonly reads: number;
}

/**
 * The whole view built anew beside the live one, by another process, while this one goes on reading: a subscription by its id, and
 * now and then an operator's page. No read may miss a subscription or see it half-way, before, during or after the switch.
 */
export async function rebuildBesideReads(
  views: SubscriptionViewStore,
  operations: ProjectionOperations,
  { subscriptions, events, quietS }: { subscriptions: number; events: number; quietS: number },
): Promise<Rebuild> {
  const reads = new Reads(views, subscriptions);
  await reads.until((elapsedMs) => elapsedMs > 2_000);
  const quiet = await reads.until((elapsedMs) => elapsedMs > quietS * 1e3);

  const startedMs = performance.now();
  const asked = await operations.rebuild('subscriptions');
  if (!asked?.rebuild) throw new Error('The rebuild was not taken on.');
  const { version } = asked.rebuild;
  let tookMs: number | undefined;
  const look = setInterval(() => {
    void operations.all().then(([live]) => {
      if (live!.version === version) tookMs ??= performance.now() - startedMs;
    });
  }, lookEveryMs);
  const beside = await reads.until(() => tookMs !== undefined).finally(() => clearInterval(look));
  const after = await reads.until((elapsedMs) => elapsedMs > quietS * 1e3);
  const slower = median(beside) / median(quiet);
  const unit = '/s';
  return {
    measurements: [
      { name: `rebuild of ${events} events beside live reads`, unit: 'events/s', value: (events / tookMs!) * 1e3 },
      {
        name: `reads at ${readsPerSecond}/s, nothing else to do`,
        unit,
        value: readsPerSecond,
        latencyMs: summarize(quiet),
      },
      {
        name: `reads at ${readsPerSecond}/s beside the rebuild`,
        unit,
        value: readsPerSecond,
        latencyMs: summarize(beside),
      },
      {
        name: `reads at ${readsPerSecond}/s of the new version`,
        unit,
        value: readsPerSecond,
        latencyMs: summarize(after),
      },
    ],
    goals: [
      {
        text: 'live reads beside the rebuild, p50 as a multiple',
        value: slower,
        relation: 'at most',
        limit: 1.2,
        unit: '',
      },
    ],
    faults: reads.faults,
    reads: reads.count,
  };
}

class Reads {
  readonly faults: string[] = [];
  count = 0;

  constructor(
    private readonly views: SubscriptionViewStore,
    private readonly subscriptions: number,
  ) {}

  /** What each read took, in milliseconds. */
  async until(isOver: (elapsedMs: number) => boolean): Promise<number[]> {
    const tookMs: number[] = [];
    await atPace(readsPerSecond, isOver, async () => {
      const startedMs = performance.now();
      await this.one();
      tookMs.push(performance.now() - startedMs);
    });
    return tookMs;
  }

  private async one(): Promise<void> {
    this.count += 1;
    // One in twenty reads is a page.
    if (this.count % 20 === 0) return this.page();
    const id = subscriptionId(randomInt(this.subscriptions));
    const view = await this.views.find(id, today);
    if (view?.status !== finished.status || view.version !== finished.version) this.fault(id, view);
  }

  private async page(): Promise<void> {
    const page = await this.views.list({}, undefined, pageSize, today);
    if (page.length !== pageSize) this.faults.push(`a page held ${page.length} subscriptions instead of ${pageSize}`);
    for (const view of page) if (view.version !== finished.version) this.fault(view.subscription_id, view);
  }

  private fault(id: string, view: { status: string; version: number } | undefined): void {
    this.faults.push(`${id} was read as ${view ? `${view.status}, version ${view.version}` : 'nothing'}`);
  }
}

/** Of the n-th stream of a backlog, counted from 0: the id that PostgreSQL makes of the hash. */
function subscriptionId(n: number): string {
  const hash = createHash('md5').update(`stream${n}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-${hash.slice(12, 16)}-${hash.slice(16, 20)}-${hash.slice(20)}.1`;
}
