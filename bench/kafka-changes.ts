import { randomUUID } from 'node:crypto';
import type { BareKafka } from './bare-kafka';
import { atPace } from './paced-loop';
import { type Agreement, authorizationIdOf, type Marks, PersonLife, terms } from './person-life';

const granted = 'nl.medmij.authorization.granted.v1';

/** Persons of several clients who agree to one thing after the other; their Authorization Server hands it in through Kafka. */
export class KafkaChanges {
  private readonly lives: { clientId: string; life: PersonLife }[];
  private turn = 0;
  /** When each record was acknowledged by the broker, in ms since 1970, by mark. */
  readonly sentMs = new Map<number, number>();

  constructor(
    private readonly kafka: BareKafka,
    private readonly topic: string,
    marks: Marks,
    clientIds: readonly string[],
    personsEach: number,
  ) {
    this.lives = Array.from({ length: personsEach }).flatMap(() =>
      clientIds.map((clientId) => ({ clientId, life: new PersonLife(marks) })),
    );
  }

  /** At an even pace until `isOver`. */
  async send(perSecond: number, isOver: () => boolean): Promise<void> {
    await atPace(perSecond, isOver, async () => {
      const { clientId, life } = this.lives[this.turn % this.lives.length]!;
      this.turn += 1;
      const agreement = life.next();
      await this.kafka.send(this.topic, [recordOf(agreement, clientId)], 1);
      this.sentMs.set(agreement.mark, performance.timeOrigin + performance.now());
    });
  }
}

/** In binary mode; of one person always in the same partition, so in order. */
function recordOf({ subject, days, mark }: Agreement, clientId: string) {
  const now = new Date().toISOString();
  return {
    key: subject,
    value: JSON.stringify({
      authorization_id: authorizationIdOf(mark),
      client_id: clientId,
      scope: `subscribe~${days}/${terms.provider}~${terms.serviceId}`,
      subject,
      authorized_at: now,
    }),
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: 'urn:medmij-subscriptions:bench',
      ce_type: granted,
      ce_time: now,
      ce_correlationid: authorizationIdOf(mark),
    },
  };
}
