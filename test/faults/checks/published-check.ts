import { type LogHistory, Violations } from './log-history';

/** A record of the outgoing topic, in the order of its partition. */
export interface PublishedRecord {
  stream: string;
  version: number;
  id: string;
  partition: number;
  offset: string;
  digest: string;
}

export interface RepeatLimits {
  /** Events of one relay page: what is in flight at most. */
  page: number;
  /** Tries of one page before its holder gives up, each of which may have been stored. */
  tries: number;
  /** Faults of the broker or on the way to it, after which a page whose fate nobody knows is tried again by the same holder. */
  brokerFaults: number;
}

/**
 * The outgoing topic for a consumer that drops known ids: every event, unchanged, each stream in order in one partition. What
 * comes more than once was in flight: it lies in the page after the checkpoint at which a relay took over, or it was tried
 * again after a fault of the broker, a page each time.
 */
export class PublishedCheck {
  private readonly violations = new Violations();
  private readonly takeovers: string[] = [];
  private records = 0;
  private repeats = 0;

  constructor(private readonly log: LogHistory) {}

  /** A relay took over at this checkpoint. */
  takeover(position: string): void {
    this.takeovers.push(position);
  }

  add({ stream, version, id, partition, offset, digest }: PublishedRecord): void {
    this.records += 1;
    const entry = this.log.entry(stream, version);
    if (entry?.id !== id) {
      this.violations.add('Kafka tells the log', `${partition}:${offset} holds ${id}, which is not in the log`, stream);
      return;
    }
    if (entry.digest !== digest) {
      this.violations.add(
        'Kafka tells the log',
        `${partition}:${offset} says something else than version ${version}`,
        stream,
      );
    }
    const [first] = entry.published ?? [];
    entry.published = [...(entry.published ?? []), `${partition}:${offset}`];
    if (first !== undefined) {
      this.repeats += 1;
      if (!first.startsWith(`${partition}:`)) {
        this.violations.add(
          'one partition a stream',
          `version ${version} at ${first} and ${partition}:${offset}`,
          stream,
        );
      }
      return;
    }
    const before = version === 1 ? undefined : this.log.entry(stream, version - 1);
    if (version > 1 && !before?.published) {
      this.violations.add('Kafka in order', `version ${version} comes before ${version - 1}`, stream);
    } else if (before && !before.published![0]!.startsWith(`${partition}:`)) {
      this.violations.add('one partition a stream', `version ${version} is in partition ${partition}`, stream);
    }
  }

  counts(limits: RepeatLimits) {
    return { records: this.records, repeats: this.repeats, repeatsMax: this.repeatsMax(limits) };
  }

  finish(limits: RepeatLimits): Violations {
    // The first one that ever took over came to nothing that another had begun.
    const begun = this.takeovers.slice(1).map((position) => this.log.countUpTo(position));
    let unexplained = 0;
    for (const { stream, version, entry } of this.log.all()) {
      const copies = entry.published?.length ?? 0;
      if (copies === 0) this.violations.add('nothing is lost on Kafka', `version ${version} is missing`, stream);
      if (copies < 2) continue;
      const inFlight = begun.some((start) => entry.rank >= start && entry.rank < start + limits.page);
      if (!inFlight) unexplained += copies - 1;
    }
    const unexplainedMax = limits.page * limits.tries * limits.brokerFaults;
    if (unexplained > unexplainedMax) {
      this.violations.add('repeats were in flight', `${unexplained} were not; at most ${unexplainedMax} may be`);
    }
    if (this.repeats > this.repeatsMax(limits)) {
      this.violations.add(
        'repeats were in flight',
        `${this.repeats} in all; at most ${this.repeatsMax(limits)} may be`,
      );
    }
    return this.violations;
  }

  private repeatsMax({ page, tries, brokerFaults }: RepeatLimits): number {
    return page * tries * (Math.max(0, this.takeovers.length - 1) + brokerFaults);
  }
}
