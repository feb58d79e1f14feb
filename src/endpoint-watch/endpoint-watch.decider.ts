/** By what an endpoint is known. */
export interface EndpointIdentity {
  /** DNS names of its certificate, sorted. */
  names: readonly string[];
  issuer: string;
  /** Where its host name points; null when it is no alias, undefined when nobody could say. */
  cname: string | null | undefined;
}

/** What one look at an endpoint found. */
export type Look =
  | { kind: 'seen'; identity: EndpointIdentity; fault?: 'expired' | 'other_name' | 'untrusted' }
  | { kind: 'unreachable'; error: string };

/** What is remembered of an endpoint between two looks. */
export interface EndpointState {
  baseline?: EndpointIdentity;
  doubtedSince?: Date;
  /** The change that was reported last. */
  reported?: string;
}

/** What to do about another issuer, other names or another CNAME under a certificate that is valid for the host. */
export type ChangePolicy = 'alert' | 'suspend';

/** Which parts of the identity differ from the baseline. */
export type Change = 'names' | 'issuer' | 'cname';

export type Finding =
  | { kind: 'baseline' | 'as_before' | 'unreachable' }
  /** Worth a word; `isNew` when this very change was not reported yet. */
  | { kind: 'changed'; changes: readonly Change[]; isNew: boolean }
  /** The first of two bad looks: another one decides. */
  | { kind: 'doubtful'; why: string }
  /** The second one: the client is suspended. */
  | { kind: 'bad'; why: string };

export interface Decided {
  state: EndpointState;
  finding: Finding;
  /** Milliseconds until the next look, before they are spread. */
  nextInMs: number;
}

/** Two bad looks lie this far apart before a client is suspended (domain.md 11). */
export const confirmAfterMs = 300_000;
/** Between two looks at an endpoint that is well (decided). */
export const lookEveryMs = 900_000;
/** After a look that found nobody (decided). */
export const retryAfterMs = 300_000;

/**
 * What a look means (domain.md 11). An expired certificate, one for other names or one we do not trust, seen twice, suspends; a mere
 * connection error or alert neither raises a doubt nor settles it; a renewal under the same names by the same issuer is no change.
 */
export function decideLook(state: EndpointState, look: Look, policy: ChangePolicy, now: Date): Decided {
  if (look.kind === 'unreachable') return { state, finding: { kind: 'unreachable' }, nextInMs: retryAfterMs };
  if (look.fault) return doubt(state, look.fault, now);
  const { baseline } = state;
  if (!baseline) return { state: { baseline: look.identity }, finding: { kind: 'baseline' }, nextInMs: lookEveryMs };
  const changes = changesOf(baseline, look.identity);
  if (changes.length === 0) {
    // A CNAME that nobody could tell at the time of the baseline is part of it from the first time it is told.
    const cname = baseline.cname === undefined ? look.identity.cname : baseline.cname;
    return { state: { baseline: { ...baseline, cname } }, finding: { kind: 'as_before' }, nextInMs: lookEveryMs };
  }
  if (policy === 'suspend') return doubt(state, `changed ${changes.join(', ')}`, now);
  const reported = JSON.stringify(look.identity);
  return {
    state: { baseline, reported },
    finding: { kind: 'changed', changes, isNew: reported !== state.reported },
    nextInMs: lookEveryMs,
  };
}

function doubt(state: EndpointState, why: string, now: Date): Decided {
  const since = state.doubtedSince ?? now;
  const leftMs = since.getTime() + confirmAfterMs - now.getTime();
  return leftMs <= 0
    ? { state: { ...state, doubtedSince: undefined }, finding: { kind: 'bad', why }, nextInMs: lookEveryMs }
    : { state: { ...state, doubtedSince: since }, finding: { kind: 'doubtful', why }, nextInMs: leftMs };
}

function changesOf(baseline: EndpointIdentity, seen: EndpointIdentity): Change[] {
  const changes: Change[] = [];
  if (baseline.names.join(' ') !== seen.names.join(' ')) changes.push('names');
  if (baseline.issuer !== seen.issuer) changes.push('issuer');
  const bothKnown = baseline.cname !== undefined && seen.cname !== undefined;
  if (bothKnown && baseline.cname !== seen.cname) changes.push('cname');
  return changes;
}
