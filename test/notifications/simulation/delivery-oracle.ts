import { schedulesS } from '../../../src/notifications/retry-schedule';
import type { Database } from '../../../src/platform';
import { isAccepted, type Ledger, type Request } from './ledger';

const hourS = 3_600;
const dayS = 86_400;

interface Tried {
  delivery_id: string;
  subscription_id: string;
  sequence: number;
  notification_type: 'subscription' | 'resource';
  outcome: 'retry' | 'delivered' | 'dead' | 'dropped';
  attempt: number;
  after_s: number;
}

export interface Verdicts {
  readonly faults: readonly string[];
  /** Of what was due within the hour, how much came and how much did not. */
  readonly inTime: number;
  readonly late: number;
  readonly duplicates: number;
}

/** Judges a simulated time by what the clients saw, and by the log of tries. */
export async function judge(ledger: Ledger, database: Database): Promise<Verdicts> {
  const faults: string[] = [];
  const bySubscription = groupBy(ledger.requests);
  const acceptedAt = (id: string, isMeant: (request: Request) => boolean) =>
    (bySubscription.get(id) ?? []).find((request) => isAccepted(request) && isMeant(request))?.untilS;

  for (const [id, requests] of bySubscription) {
    const told = requests.filter(({ type }) => type === 'subscription');
    told.forEach(({ sequence, atS }, index) => {
      const before = told[index - 1];
      if (before && sequence! < before.sequence!)
        faults.push(`${id}: ${sequence} was sent after ${before.sequence} at ${atS} s`);
    });
    requests.forEach((request, index) => {
      const before = requests[index - 1];
      // What a killed or frozen worker had sent is still on its way when its lease is over.
      if (before && request.atS < before.untilS && !before.isOrphan)
        faults.push(`${id}: two calls at once at ${request.atS} s`);
    });
    const silencedS = ledger.silencedS.get(id);
    if (silencedS !== undefined && requests.some(({ atS }) => atS >= silencedS))
      faults.push(`${id}: told after it was not known`);
  }

  let [inTime, late] = [0, 0];
  const due = (fault: string, atS: number, at: number | undefined) => {
    if (at !== undefined && at <= atS + hourS) inTime += 1;
    else {
      late += 1;
      faults.push(`${fault}, ${at === undefined ? 'never came' : `came after ${at - atS} s`}`);
    }
  };
  const endedAt = (id: string) =>
    ledger.changes.find((change) => change.subscriptionId === id && change.kind === 'terminated')?.atS;
  for (const { atS, client, subscriptionId: id, sequence } of ledger.changes) {
    if (client.kind === 'gone' || client.isForgotten(id)) continue;
    due(
      `change ${sequence} of ${id} (${client.clientId})`,
      atS,
      acceptedAt(id, (request) => (request.sequence ?? 0) >= sequence),
    );
  }
  for (const { atS, client, subscriptionId: id, isAvailable } of ledger.resourceChanges) {
    const told = (request: Request) => request.type === 'resource' && request.atS >= atS;
    const ended = endedAt(id);
    if (!isAvailable && acceptedAt(id, told) !== undefined) faults.push(`${id}: told of what is not available`);
    if (!isAvailable || client.isForgotten(id) || ended !== undefined) continue;
    due(`a resource of ${id} (${client.clientId}) at ${atS} s`, atS, acceptedAt(id, told));
  }
  for (const [id, requests] of bySubscription) {
    const ended = endedAt(id);
    if (ended !== undefined && requests.some(({ type, atS }) => type === 'resource' && atS > ended))
      faults.push(`${id}: told of a resource after its end`);
  }
  for (const client of new Set(ledger.changes.map((change) => change.client))) {
    if (client.kind !== 'suspended') continue;
    if (
      ledger.requests.some(
        (request) => request.client === client && request.atS > client.fromS && request.atS < client.toS,
      )
    )
      faults.push(`${client.clientId} was called while it was suspended`);
  }

  const duplicates = countDuplicates(bySubscription);
  if (duplicates > ledger.orphans)
    faults.push(`${duplicates} came twice, and ${ledger.orphans} were under way at a kill`);
  faults.push(...(await judgeTries(ledger, database)));
  return { faults, inTime, late, duplicates };
}

/** What happened to the subscription that a fault names, line by line. */
export function storyOf(fault: string, { changes, resourceChanges, requests }: Ledger): string[] {
  const id = /[0-9a-f-]{36}\.1/.exec(fault)?.[0];
  const isMeant = ({ subscriptionId }: { subscriptionId: string }) => subscriptionId === id;
  return [
    ...changes.filter(isMeant).map(({ atS, sequence, kind }) => ({ atS, what: `${kind}, version ${sequence}` })),
    ...resourceChanges.filter(isMeant).map(({ atS }) => ({ atS, what: 'a resource became available' })),
    ...requests.filter(isMeant).map(({ atS, untilS, type, sequence, answer, isOrphan }) => ({
      atS,
      what: `${type} ${sequence ?? ''} sent, until ${untilS}: ${JSON.stringify(answer)}${isOrphan ? ', orphan' : ''}`,
    })),
  ]
    .sort((one, other) => one.atS - other.atS)
    .map(({ atS, what }) => `  ${atS} s: ${what}`);
}

/** The log of tries says what the clients saw; nothing is tried more often than the schedule allows, and what asked for a pause is no try. */
async function judgeTries(ledger: Ledger, database: Database): Promise<string[]> {
  const faults: string[] = [];
  const rows = await database.query<Tried>(
    'simulation.tries',
    `select delivery_id, subscription_id, sequence, notification_type, outcome, attempt,
            extract(epoch from at - created_at)::float8 as after_s
     from delivery_attempt order by written_at, attempt`,
  );
  const left = await database.query('simulation.left', 'select 1 from delivery');
  if (left.length > 0) faults.push(`${left.length} deliveries never ended`);
  const tries = new Map<string, Tried[]>();
  for (const row of rows) tries.set(row.delivery_id, [...(tries.get(row.delivery_id) ?? []), row]);
  for (const [id, all] of tries) {
    const last = all.at(-1)!;
    if (last.attempt > schedulesS[last.notification_type].length)
      faults.push(`${id}: ${last.attempt} tries are more than its schedule has`);
    const made = triesSeen(ledger, last);
    if (made && (last.attempt < made.recorded || last.attempt > made.all))
      faults.push(`${id}: ${last.attempt} tries count, and of ${made.all} that came ${made.recorded} were recorded`);
    if (all.filter(({ outcome }) => outcome !== 'retry').length !== 1) faults.push(`${id} did not end once`);
    const gaveUpTooSoon = last.outcome === 'dead' && !(last.after_s > 13.5 * dayS && last.after_s < 14.3 * dayS);
    if (gaveUpTooSoon) faults.push(`${id} was given up after ${last.after_s} s`);
  }
  const gone = new Set(
    ledger.changes.filter(({ client }) => client.kind === 'gone').map(({ subscriptionId }) => subscriptionId),
  );
  const dead = new Set(rows.filter(({ outcome }) => outcome === 'dead').map(({ subscription_id }) => subscription_id));
  for (const id of gone) if (!dead.has(id)) faults.push(`${id}, whose client is gone, was not given up`);
  for (const id of dead) if (!gone.has(id)) faults.push(`${id} was given up, and its client came back`);
  return faults;
}

/** The tries that its client saw, without those it turned away; what an orphan said may have counted, unless it was sent again before. Unknown of resources. */
function triesSeen({ requests }: Ledger, { notification_type, subscription_id, sequence }: Tried) {
  if (notification_type === 'resource') return undefined;
  const seen = requests.filter(
    (request) =>
      request.subscriptionId === subscription_id &&
      request.sequence === sequence &&
      !(request.answer.kind === 'answered' && request.answer.status === 429),
  );
  const mayCount = ({ isOrphan, wokeUpS = 0, atS }: Request) =>
    !isOrphan || (wokeUpS > atS && !seen.some((later) => later.atS > atS && later.atS < wokeUpS));
  return { all: seen.filter(mayCount).length, recorded: seen.filter(({ isOrphan }) => !isOrphan).length };
}

function countDuplicates(bySubscription: ReadonlyMap<string, readonly Request[]>): number {
  let duplicates = 0;
  for (const requests of bySubscription.values()) {
    const accepted = requests.filter((request) => request.type === 'subscription' && isAccepted(request));
    duplicates += accepted.length - new Set(accepted.map(({ sequence }) => sequence)).size;
  }
  return duplicates;
}

function groupBy(requests: readonly Request[]): Map<string, Request[]> {
  const groups = new Map<string, Request[]>();
  for (const request of requests) {
    const group = groups.get(request.subscriptionId);
    if (group) group.push(request);
    else groups.set(request.subscriptionId, [request]);
  }
  return groups;
}
