import { authorizedRequest, type AuthorizedRequestBody } from '../support/app';
import { seededRandom } from '../support/random';
import type { Acknowledged } from './checks/request-check';

/** What became of one try to hand a request in over HTTP: an answer, or nobody knows. */
export interface Attempt {
  id: string;
  startedMs: number;
  status?: number;
  error?: string;
}

export interface LoadOptions {
  seed: number;
  token: string;
  /** Where to knock over HTTP, at each attempt anew. */
  door: () => string;
  /** Hands a request in over Kafka; returns when the broker has it. Without it, everything goes over HTTP. */
  send?: (request: AuthorizedRequestBody, key: string) => Promise<void>;
  /** Persons who are asked about; the fewer, the more often two requests meet on one stream. */
  persons: number;
  /** Longest thinking time between two requests of one actor, in ms. */
  thinkMs: number;
}

/** What was asked for comes from here; the second and third take other streams of the same person. */
const services = [
  { scope: 'eenofanderezorgaanbieder~42', daysMax: 365 },
  { scope: 'anderezorgaanbieder~43', daysMax: 90 },
  { scope: 'aanbiederkort~42', daysMax: 7 },
];
const part = { ending: 0.2, repeat: 0.15, unlisted: 0.04, otherService: 0.2, kafka: 0.4 };
const answerWithinMs = 20_000;
const triesMax = 10_000;

/**
 * Persons who start, adjust, end and start again, through both doors, with repeats; some meet on the same stream. A request
 * without a definite answer is handed in again, the same, until it has one. Whom, what and in which order the seed decides.
 */
export class RequestLoad {
  readonly acknowledged: Acknowledged[] = [];
  readonly refused: { id: string; code: string }[] = [];
  readonly attempts: Attempt[] = [];
  /** Requests that the broker has. */
  readonly sent = new Set<string>();
  /** Answers that no outage excuses. */
  readonly unexpected: string[] = [];
  private readonly actors: Promise<void>[] = [];
  private stopping = false;

  constructor(private readonly options: LoadOptions) {}

  start(actors: number): void {
    for (let n = 0; n < actors; n += 1) this.actors.push(this.act(n));
  }

  /** Returns when every request has its answer. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.actors);
  }

  private async act(actor: number): Promise<void> {
    const { seed, persons, thinkMs, send } = this.options;
    const random = seededRandom(seed + 1_000 * (actor + 1));
    let last: { request: AuthorizedRequestBody; key: string } | undefined;
    for (let n = 0; !this.stopping; n += 1) {
      const fresh = this.request(`${seed}-${actor}-${n}`, Math.floor(random() ** 2 * persons), random);
      const next = last && random() < part.repeat ? last : fresh;
      last = next;
      if (send && random() < part.kafka) {
        await send(next.request, next.key);
        this.sent.add(next.request.authorization_id);
      } else {
        await this.handIn(next.request);
      }
      await new Promise((resolve) => setTimeout(resolve, random() * thinkMs));
    }
  }

  private request(id: string, person: number, random: () => number) {
    const other = 1 + Math.floor(random() * (services.length - 1));
    const { scope, daysMax } = services[random() < part.otherService ? other : 0]!;
    const days = random() < part.ending ? 0 : 2 + Math.floor(random() * (daysMax - 2));
    const key = `person-${person}`;
    const request = authorizedRequest({
      authorization_id: id,
      subject: `999900000-${this.options.seed}-${person}`,
      scope: `subscribe~${days}/${scope}`,
      ...(random() < part.unlisted && { client_id: 'unknown-client.example' }),
    });
    return { request, key };
  }

  private async handIn(request: AuthorizedRequestBody): Promise<void> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const attempt: Attempt = { id: request.authorization_id, startedMs: performance.now() };
      this.attempts.push(attempt);
      try {
        if (await this.isAnswered(request, attempt)) return;
      } catch (error) {
        attempt.error = String((error as { cause?: { code?: string } }).cause?.code ?? error);
      }
      // The process is being started again.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.unexpected.push(`${request.authorization_id} never got an answer`);
  }

  private async isAnswered(request: AuthorizedRequestBody, attempt: Attempt): Promise<boolean> {
    const { token, door } = this.options;
    const id = request.authorization_id;
    const answer = await fetch(`${door()}/authorizations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-correlation-id': id },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const body = (await answer.json()) as Acknowledged['standing'] & { code?: string };
    attempt.status = answer.status;
    if (answer.status === 200 || answer.status === 201) {
      this.acknowledged.push({ id, status: answer.status, standing: body });
    } else if (answer.status === 422) {
      this.refused.push({ id, code: body.code ?? 'without a code' });
    } else {
      // Overload and outages are said so, and mean: again. Whatever else is said here is a fault.
      if (answer.status !== 503) this.unexpected.push(`${id}: status ${answer.status} ${JSON.stringify(body)}`);
      return answer.status !== 503 && answer.status < 500;
    }
    return true;
  }
}
