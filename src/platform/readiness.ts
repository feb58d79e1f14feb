import type { LoopState } from './work-loop';

export type CheckStatus = 'ok' | 'degraded' | 'unavailable';

export interface CheckResult {
  status: CheckStatus;
  /** Why, when it is not ok. */
  reason?: string;
}

type Check = () => CheckResult | Promise<CheckResult>;

/** A failing loop is worth a word after this long: shorter failures pass by themselves. */
const failingShownAfterMs = 2_000;

/** What each room knows of its own well-being, gathered for `/health/ready`. */
export class Readiness {
  private readonly checks = new Map<string, { check: Check; whenFailing: CheckStatus }>();

  /** `whenFailing`: what it means that the check itself throws or does not answer in time. */
  add(name: string, check: Check, whenFailing: CheckStatus = 'degraded'): void {
    this.checks.set(name, { check, whenFailing });
  }

  /** All checks at once. */
  async ask(timeoutMs: number): Promise<{ status: CheckStatus; checks: Record<string, CheckResult> }> {
    const results = await Promise.all(
      [...this.checks].map(
        async ([name, { check, whenFailing }]) => [name, await answerWithin(check, timeoutMs, whenFailing)] as const,
      ),
    );
    const statuses = results.map(([, { status }]) => status);
    const worst = (['unavailable', 'degraded'] as const).find((status) => statuses.includes(status)) ?? 'ok';
    return { status: worst, checks: Object.fromEntries(results) };
  }
}

/** A loop that is failing makes the service degraded: what it does waits, what others do goes on. */
export function loopCheck({ running, failingSince, lastError }: Omit<LoopState, 'name'>): CheckResult {
  if (!running) return { status: 'degraded', reason: 'it is not running' };
  if (failingSince === undefined || performance.now() - failingSince < failingShownAfterMs) return { status: 'ok' };
  return { status: 'degraded', reason: lastError ?? 'it is failing' };
}

async function answerWithin(check: Check, timeoutMs: number, whenFailing: CheckStatus): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<CheckResult>((resolve) => {
      timer = setTimeout(() => resolve({ status: whenFailing, reason: 'no answer in time' }), timeoutMs);
    });
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch {
    return { status: whenFailing, reason: 'it does not answer' };
  } finally {
    clearTimeout(timer);
  }
}
