import { type LogHistory, streamOfSubscription, Violations } from './log-history';

/** A request that was answered with 200 or 201. */
export interface Acknowledged {
  id: string;
  status: number;
  standing: { subscription_id: string; version: number; end_date: string; position: string };
}

/** What the service stored as carried out, by the authorization id. */
export interface CarriedOut {
  id: string;
  stream: string;
  version: number;
}

/** What a refusal may say in these tests; any other one means that an outage or a bug was taken for an answer. */
const expectedRefusals = new Set(['authorization_stale', 'not_subscribed', 'unknown_client']);

/**
 * A refusal of what came too early: refusals are not stored, and a request that is handed in again is judged anew (contract.md 4;
 * for a record that comes again after a crash docs/adr/0009), so that one try of it may be refused and another carried out.
 */
const tooEarly = 'not_subscribed';

/** Requests through both doors: what was acknowledged took effect, exactly as answered and once; what was refused, never. */
export class RequestCheck {
  private readonly violations = new Violations();
  private readonly carriedOut = new Map<string, CarriedOut>();
  private readonly acknowledged: Acknowledged[] = [];
  private readonly refused = new Map<string, string>();
  private readonly triesOverHttp = new Map<string, number>();
  private readonly received = new Map<string, string>();
  private readonly buried = new Map<string, string>();

  constructor(private readonly log: LogHistory) {}

  carried(command: CarriedOut): void {
    this.carriedOut.set(command.id, command);
  }

  acknowledge(answer: Acknowledged): void {
    this.acknowledged.push(answer);
  }

  /** One try over HTTP, whatever came of it. */
  tried(id: string): void {
    this.triesOverHttp.set(id, (this.triesOverHttp.get(id) ?? 0) + 1);
  }

  refuse(id: string, code: string): void {
    this.refused.set(id, code);
  }

  /** A record of the incoming topic, and where it lies. */
  receive(id: string, place: string): void {
    this.received.set(place, id);
  }

  /** A record of the dead letters, and where it lay in the incoming topic. */
  bury(id: string, place: string, code: string): void {
    this.buried.set(place, code);
    if (this.received.has(place) && this.received.get(place) !== id) {
      this.violations.add('dead letters tell the truth', `${place} holds ${this.received.get(place)}, not ${id}`);
    }
  }

  get counts() {
    return {
      acknowledged: this.acknowledged.length,
      refused: this.refused.size,
      received: this.received.size,
      buried: this.buried.size,
    };
  }

  finish(): Violations {
    for (const answer of this.acknowledged) this.checkAcknowledged(answer);
    for (const [id, code] of this.refused) {
      this.checkRefusal(`request ${id}`, code);
      const carried = this.carriedOut.get(id);
      if (carried && !(code === tooEarly && this.timesHandedIn(id) > 1))
        this.violations.add('refused is refused', `${id} (${code}) was carried out`, carried.stream);
    }
    for (const [place, id] of this.received) this.checkReceived(place, id);
    for (const [place, code] of this.buried) this.checkRefusal(`record ${place}`, code);
    this.checkOnce();
    return this.violations;
  }

  private checkAcknowledged({ id, status, standing }: Acknowledged): void {
    const stream = streamOfSubscription(standing.subscription_id);
    const lost = (seen: string) => this.violations.add('acknowledged is in the log', `${id}: ${seen}`, stream);
    const carried = this.carriedOut.get(id);
    if (!carried) return lost('no answer is stored');
    if (carried.stream !== stream || carried.version !== standing.version) {
      return lost(`answered for ${stream} ${standing.version}, stored for ${carried.stream} ${carried.version}`);
    }
    const entry = this.log.entry(stream, standing.version);
    if (!entry) return lost(`version ${standing.version} is not in the log`);
    if (entry.position !== standing.position) lost(`answered ${standing.position}, the log says ${entry.position}`);
    if (status === 201 && entry.authorization !== id) lost(`version ${standing.version} is another's`);
  }

  private checkReceived(place: string, id: string): void {
    const carried = this.carriedOut.get(id);
    if (carried && this.buried.has(place) && this.buried.get(place) !== tooEarly) {
      this.violations.add('one outcome a record', `${place} (${id}) was carried out and buried`, carried.stream);
    }
    if (!carried && !this.buried.has(place)) {
      this.violations.add('every record has an outcome', `${place} (${id}) was neither carried out nor buried`);
    }
  }

  private timesHandedIn(id: string): number {
    const records = [...this.received.values()].filter((received) => received === id);
    return records.length + (this.triesOverHttp.get(id) ?? 0);
  }

  private checkRefusal(what: string, code: string): void {
    if (!expectedRefusals.has(code)) this.violations.add('an outage is no answer', `${what} was refused: ${code}`);
  }

  /** A request makes one event; what makes more under one id was carried out again. */
  private checkOnce(): void {
    const seen = new Set<string>();
    for (const { stream, version, entry } of this.log.all()) {
      if (entry.authorization === undefined) continue;
      if (seen.has(entry.authorization)) {
        this.violations.add('carried out once', `${entry.authorization} again as version ${version}`, stream);
      }
      seen.add(entry.authorization);
    }
  }
}
