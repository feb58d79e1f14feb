import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bsnNamespace, KnownPersons, PersonalSeal, PersonIdentities } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';

const newKey = () => new PersonKey(randomBytes(32));

describe('who is behind a person id', () => {
  let database: TestDatabase;
  let db: Database;
  const [old, current] = [newKey(), newKey()];
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });

  async function make(subject: string, issuer?: string): Promise<string> {
    const row = new PersonIdentities(old).of(subject, issuer).newRow();
    await db.query(
      'make',
      'insert into person (subject_hash, person_id, sealed_subject, key_id) values ($1, $2, $3, $4)',
      [row.subjectHash, row.personId, row.sealedSubject, row.keyId],
    );
    return row.personId;
  }

  it('is the subject with the name space in which it came, also while the key is being rotated', async () => {
    const [plain, named] = [await make('999999990'), await make('someone', 'urn:elsewhere')];
    const persons = new KnownPersons(db, new PersonalSeal(current, old));
    expect(await persons.subjectOf(plain)).toEqual({ issuer: bsnNamespace, subject: '999999990' });
    expect(await persons.subjectOf(named)).toEqual({ issuer: 'urn:elsewhere', subject: 'someone' });
  });

  it('is nobody for an id that is not known, or not any more', async () => {
    const persons = new KnownPersons(db, new PersonalSeal(current, old));
    const erased = await make('999999991');
    await db.query('erase', 'delete from person where person_id = $1', [erased]);
    expect(await persons.subjectOf(erased)).toBeUndefined();
    expect(await persons.subjectOf(randomUUID())).toBeUndefined();
  });

  it('is no question to answer with nobody when the key of the row is gone', async () => {
    const id = await make('999999992');
    await expect(new KnownPersons(db, new PersonalSeal(current)).subjectOf(id)).rejects.toThrow('PERSON_KEY_PREVIOUS');
  });
});
