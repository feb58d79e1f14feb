import type { LogHistory, Violation } from './checks/log-history';
import type { Surroundings } from './surroundings';

const streamsShownMax = 3;
const eventsShownMax = 12;
const violationsShownMax = 20;
/** Faults so long before an event and after it are shown with it. */
const aroundMs = 15_000;

/** What was done to the service and when, so that a violation can be seen beside the faults around it. */
export class Story {
  private readonly lines: { atMs: number; text: string }[] = [];

  constructor(private readonly startedMs = Date.now()) {}

  tell(text: string): void {
    this.lines.push({ atMs: Date.now(), text });
  }

  all(): string[] {
    return this.lines.map((line) => this.line(line));
  }

  around(atMs: number): string[] {
    return this.lines.filter((line) => Math.abs(line.atMs - atMs) < aroundMs).map((line) => this.line(line));
  }

  at(atMs: number): string {
    return `+${((atMs - this.startedMs) / 1000).toFixed(1)} s`;
  }

  private line({ atMs, text }: { atMs: number; text: string }): string {
    return `  ${this.at(atMs).padStart(10)}  ${text}`;
  }
}

/** The first violations, and of some of their streams what the log, Kafka and the view hold, with the faults of that time. */
export async function tellViolations(
  violations: readonly Violation[],
  world: Surroundings,
  log: LogHistory,
  story: Story,
): Promise<string[]> {
  const text = violations
    .slice(0, violationsShownMax)
    .map(({ property, seen, stream }) => `  ${property}: ${seen}${stream === undefined ? '' : ` (stream ${stream})`}`);
  const streams = [...new Set(violations.flatMap(({ stream }) => (stream === undefined ? [] : [stream])))];
  for (const stream of streams.slice(0, streamsShownMax)) text.push(...(await streamStory(stream, world, log, story)));
  return text;
}

async function streamStory(stream: string, world: Surroundings, log: LogHistory, story: Story): Promise<string[]> {
  if (!/^[0-9a-f-]{36}$/.test(stream)) return [];
  const events = await world.rows<{ version: number; text: string; at: Date }>(
    `select version, recorded_at as at, log_position(epoch, xid, pos) || ' ' || type || ' ' || (metadata ->> 'correlation_id') as text
     from event where stream_id = $1 order by version desc limit $2`,
    [stream, eventsShownMax],
  );
  const views = await world.rows<{ text: string }>(
    'select to_jsonb(v)::text as text from subscription_view v where stream_id = $1 limit 5',
    [stream],
  );
  const deliveries = await world.rows<{ text: string }>(
    `select sequence || ' ' || state || ' attempts ' || attempts || ' ' || coalesce(error, '') as text
     from (
       select subscription_id, sequence, state, attempts, last_error as error from delivery
       union all select subscription_id, sequence, outcome, attempt, error from delivery_attempt
     ) told
     where subscription_id like $1 || '.%' order by sequence desc limit $2`,
    [stream, eventsShownMax],
  );
  const told = world.dvp.received
    .filter(({ body }) => String(body.subscription_id).startsWith(stream))
    .slice(-eventsShownMax)
    .map(({ body, headers }) => `${String(body.end_date)} ${String(headers['x-correlation-id'])}`);
  return [
    `stream ${stream}`,
    ...events.reverse().map(({ version, text, at }) => {
      const places = log.entry(stream, version)?.published ?? [];
      return `  version ${version} at ${story.at(at.getTime())}: ${text}; on Kafka at ${places.join(', ') || 'no place'}`;
    }),
    ...views.map(({ text }) => `  view ${text}`),
    ...deliveries.map(({ text }) => `  delivery ${text}`),
    ...told.map((line) => `  told ${line}`),
    ...(events[0] ? ['the faults around its last events:', ...story.around(events.at(-1)!.at.getTime())] : []),
  ];
}
