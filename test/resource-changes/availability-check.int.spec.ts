import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { AvailabilityClient } from '../../src/availability/availability.client';
import { AvailabilityUnknown } from '../../src/availability';
import { bsnNamespace, KnownPersons, PersonalSeal, PersonIdentities } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { createLogger, Database } from '../../src/platform';
import { AvailabilityCheck } from '../../src/resource-changes/availability.check';
import { AvailabilityServer } from '../support/availability-server';
import { createDatabase, type TestDatabase } from '../support/database';
import { eventually } from '../support/eventually';

const key = new PersonKey(randomBytes(32));

describe('the question before a resource notification', () => {
  const server = new AvailabilityServer();
  const logLines: string[] = [];
  let database: TestDatabase;
  let db: Database;
  let client: AvailabilityClient;
  let check: AvailabilityCheck;
  let registry: Registry;
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
    await server.start();
    client = new AvailabilityClient(server.url);
  });
  beforeEach(() => {
    server.answer = true;
    server.asked.length = 0;
    const log = createLogger('trace', { write: (line: string) => void logLines.push(line) });
    registry = new Registry();
    check = new AvailabilityCheck(new KnownPersons(db, new PersonalSeal(key)), client, registry, log);
  });
  afterAll(async () => {
    await client?.close();
    await server.stop();
    await db?.close();
    await database?.drop();
  });

  async function known(subject: string, issuer?: string): Promise<string> {
    const row = new PersonIdentities(key).of(subject, issuer).newRow();
    await db.query(
      'make',
      'insert into person (subject_hash, person_id, sealed_subject, key_id) values ($1, $2, $3, $4)',
      [row.subjectHash, row.personId, row.sealedSubject, row.keyId],
    );
    return row.personId;
  }
  const ask = (person_id: string | null) => check.mayTell({ person_id, provider: 'aanbieder', service_id: '42' });

  it.each([true, false])('is answered with %s, for the person behind the id', async (answer) => {
    const [bsn, other] = [randomUUID(), randomUUID()];
    server.answer = answer;
    expect([await ask(await known(bsn)), await ask(await known(other, 'urn:elsewhere'))]).toEqual([answer, answer]);
    const service = { provider: 'aanbieder', service_id: '42' };
    expect(server.asked).toEqual([
      { subject: bsn, issuer: bsnNamespace, ...service },
      { subject: other, issuer: 'urn:elsewhere', ...service },
    ]);
  });

  it('is answered with no for somebody who was erased, and nobody is asked', async () => {
    const id = await known(randomUUID());
    await db.query('erase', 'delete from person where person_id = $1', [id]);
    expect(await ask(id)).toBe(false);
    expect(server.asked).toEqual([]);
  });

  it('has no answer while whoever knows is away, who is left alone for a moment then; the log says nothing of the person', async () => {
    const subject = randomUUID();
    const id = await known(subject);
    server.answer = 'hang up';
    await expect(ask(id)).rejects.toThrow(AvailabilityUnknown);
    const asked = server.asked.length;
    await expect(ask(id)).rejects.toThrow('a moment ago');
    expect(server.asked).toHaveLength(asked);
    expect(await registry.metrics()).toContain('medmij_availability_checks_total{outcome="unknown"} 2\n');
    server.answer = true;
    await eventually(async () => expect(await ask(id)).toBe(true));
    expect(logLines.some((line) => line.includes('availability.unknown'))).toBe(true);
    expect(logLines.join('')).not.toContain(subject);
  });

  it('has no answer when the person cannot be read', async () => {
    const id = await known(randomUUID());
    const other = new KnownPersons(db, new PersonalSeal(new PersonKey(randomBytes(32))));
    const log = createLogger('silent');
    const blind = new AvailabilityCheck(other, client, new Registry(), log);
    await expect(blind.mayTell({ person_id: id, provider: 'aanbieder', service_id: '42' })).rejects.toThrow('key');
    await expect(ask(null)).rejects.toThrow('names no person');
    expect(server.asked).toEqual([]);
  });

  it('is asked for sixteen at once, the others wait', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => known(randomUUID())));
    server.answer = 'hang';
    const answers = ids.map((id) => ask(id).catch((error: Error) => error));
    await eventually(() => expect(server.asked).toHaveLength(16));
    // Those in hand run out of time; the others find that nobody answers, and are not asked at all.
    const outcomes = await Promise.all(answers);
    expect(outcomes.every((outcome) => outcome instanceof AvailabilityUnknown)).toBe(true);
    expect(server.asked).toHaveLength(16);
  });
});
