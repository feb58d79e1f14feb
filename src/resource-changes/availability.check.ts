import { Counter, type Registry } from 'prom-client';
import { type Availability, AvailabilityUnknown } from '../availability';
import { BeforeSending, type ClaimedDelivery } from '../notifications';
import type { KnownPersons } from '../persons';
import { type Logger, Turnstile } from '../platform';

/** Questions under way at once in one process, and those that wait: a worker has no more deliveries in hand than that. */
const limits = { inside: 16, waiting: 256 };
/** Whoever does not answer is left alone for so long; meanwhile nobody who asks holds a slot of the worker. */
const restMs = 1_000;

type Asked = Pick<ClaimedDelivery, 'person_id' | 'provider' | 'service_id'>;

/**
 * The availability condition once more, right before each resource notification (domain.md 7): the subject is unsealed for the
 * question and goes nowhere else.
 */
export class AvailabilityCheck extends BeforeSending {
  private readonly turnstile = new Turnstile(limits);
  private readonly checks: Counter<'outcome'>;
  private restsUntilMs = 0;

  constructor(
    private readonly persons: KnownPersons,
    private readonly availability: Availability,
    registry: Registry,
    private readonly log: Logger,
  ) {
    super();
    this.checks = new Counter({
      name: 'medmij_availability_checks_total',
      help: 'Questions about availability before a resource notification, by their answer',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of ['available', 'not_available', 'unknown']) this.checks.inc({ outcome }, 0);
  }

  /** False too for somebody who was erased. @throws AvailabilityUnknown, or the database's error when it is away */
  async mayTell(delivery: Asked): Promise<boolean> {
    const asked = this.turnstile.pass(() => this.ask(delivery));
    if (!asked) throw new AvailabilityUnknown('too many questions are waiting already');
    try {
      const isAvailable = await asked;
      this.checks.inc({ outcome: isAvailable ? 'available' : 'not_available' });
      return isAvailable;
    } catch (error) {
      this.checks.inc({ outcome: 'unknown' });
      throw error;
    }
  }

  private async ask({ person_id: personId, provider, service_id: serviceId }: Asked): Promise<boolean> {
    if (performance.now() < this.restsUntilMs) throw new AvailabilityUnknown('it did not answer a moment ago');
    if (personId === null || provider === null) throw new Error('A resource notification names no person or provider.');
    const person = await this.persons.subjectOf(personId);
    if (!person) return false;
    try {
      return await this.availability.isAvailable({ ...person, provider, serviceId });
    } catch (error) {
      if (!(error instanceof AvailabilityUnknown)) throw error;
      this.restsUntilMs = performance.now() + restMs;
      this.log.warn({ reason: error.message }, 'availability.unknown');
      throw error;
    }
  }
}
