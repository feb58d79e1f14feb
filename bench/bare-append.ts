import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { type Agreement, authorizationIdOf, PersonLife, type Marks, terms } from './person-life';

const dayMs = 24 * 60 * 60 * 1000;
const dateIn = (days: number) => new Date(Date.now() + days * dayMs).toISOString().slice(0, 10);

/** One row to append, as the service would decide it, and nothing decided: what it costs is the database's part alone. */
interface BareItem {
  readonly mark: number;
  readonly subjectHash: Buffer | null;
  readonly personId: string | null;
  readonly sealedSubject: Buffer | null;
  readonly keyId: string | null;
  readonly streamId: string;
  readonly expectedVersion: number;
  readonly dueOn: string | null;
  readonly key: string;
  readonly fingerprint: Buffer;
  readonly answer: string;
  readonly eventId: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
  readonly occurredAt: Date;
}

/** The lives of persons as rows: the same facts, of the same size, as the service makes of the same agreements. */
export class BareLife {
  private readonly life: PersonLife;
  private streamId = '';
  private personId = '';
  private endDate = '';

  constructor(marks: Marks, changes?: number) {
    this.life = new PersonLife(marks, changes);
  }

  next(): BareItem {
    const agreement = this.life.next();
    const isNew = agreement.version === 0;
    if (isNew) [this.streamId, this.personId] = [randomUUID(), randomUUID()];
    const { streamId, personId } = this;
    const previousEndDate = this.endDate;
    this.endDate = dateIn(agreement.days);
    const now = new Date();
    const id = authorizationIdOf(agreement.mark);
    const status = agreement.days === 0 ? 'terminated' : 'active';
    return {
      mark: agreement.mark,
      subjectHash: isNew ? randomBytes(32) : null,
      personId: isNew ? personId : null,
      sealedSubject: isNew ? randomBytes(130) : null,
      keyId: isNew ? '0123456789abcdef' : null,
      streamId,
      expectedVersion: agreement.version,
      dueOn: agreement.days === 0 ? null : this.endDate,
      key: `authorization:${id}`,
      fingerprint: randomBytes(32),
      answer: JSON.stringify({
        subscription_id: `${streamId}.1`,
        status,
        end_date: this.endDate,
        version: agreement.version + 1,
      }),
      eventId: randomUUID(),
      type: typeOf(agreement),
      data: JSON.stringify({
        subscription_id: `${streamId}.1`,
        client_id: terms.clientId,
        provider: terms.provider,
        service_id: terms.serviceId,
        person_id: personId,
        end_date: this.endDate,
        interface_version: terms.interfaceVersion,
        authorization_id: id,
        authorized_at: now.toISOString(),
        ...(!isNew && { previous_end_date: previousEndDate }),
        ...(agreement.days === 0 && { reason: 'person' }),
      }),
      metadata: JSON.stringify({ correlation_id: id, causation_id: id }),
      occurredAt: now,
    };
  }
}

function typeOf({ version, days }: Agreement): string {
  const what = version === 0 ? 'started' : days === 0 ? 'terminated' : 'adjusted';
  return `nl.medmij.subscription.${what}.v1`;
}

/** Bare `pg` connections that call the append functions of the database, one statement after the other each. */
export class BareConnections {
  private constructor(private readonly clients: readonly Client[]) {}

  static async open(databaseUrl: string, count: number): Promise<BareConnections> {
    const clients = Array.from({ length: count }, () => new Client({ connectionString: databaseUrl }));
    await Promise.all(clients.map((client) => client.connect()));
    return new BareConnections(clients);
  }

  async append(caller: number, item: BareItem): Promise<void> {
    const { subjectHash, personId, sealedSubject, keyId, streamId, expectedVersion, dueOn, key } = item;
    const { fingerprint, answer, eventId, type, data, metadata, occurredAt } = item;
    const person = [subjectHash, personId, sealedSubject, keyId];
    const events = [[eventId], [type], [data], metadata, occurredAt];
    await this.clients[caller]!.query({
      name: 'append',
      text: `select append_events(${parameters(16)})`,
      values: ['main', ...person, streamId, expectedVersion, dueOn, key, fingerprint, answer, ...events],
    });
  }

  /** @throws Error when an item was refused: every stream belongs to one caller alone */
  async appendBatch(caller: number, items: readonly BareItem[]): Promise<void> {
    const { rows } = await this.clients[caller]!.query<{ failure: string | null }>({
      name: 'append-batch',
      text: `select failure from append_events_batch(${parameters(17)})`,
      values: [
        'main',
        items.map(({ subjectHash }) => subjectHash),
        items.map(({ personId }) => personId),
        items.map(({ sealedSubject }) => sealedSubject),
        items.map(({ keyId }) => keyId),
        items.map(({ streamId }) => streamId),
        items.map(({ expectedVersion }) => expectedVersion),
        items.map(({ dueOn }) => dueOn),
        items.map(({ key }) => key),
        items.map(({ fingerprint }) => fingerprint),
        items.map(({ answer }) => answer),
        items.map(({ metadata }) => metadata),
        items.map(({ occurredAt }) => occurredAt),
        items.map((_, index) => index + 1),
        items.map(({ eventId }) => eventId),
        items.map(({ type }) => type),
        items.map(({ data }) => data),
      ],
    });
    if (rows.length !== items.length || rows.some(({ failure }) => failure !== null)) {
      throw new Error('The bare loop was refused an append.');
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()));
  }
}

const parameters = (count: number) => Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');
