import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStore, streamIdOf } from '../../src/event-store';
import { PersonIdentities } from '../../src/persons';
import { PersonKey } from '../../src/persons/person-key';
import { sealedKey } from '../../src/persons/sealed-key.store';
import { Database, Signal } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';

const newKey = () => new PersonKey(randomBytes(32));

describe('with the keys of persons', () => {
  let database: TestDatabase;
  let db: Database;
  let name: string;
  beforeAll(async () => {
    database = await createDatabase();
    db = await Database.connect(database.url);
  });
  afterAll(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(() => {
    name = `key ${randomUUID()}`;
  });
  const row = async () => {
    const [found] = await db.query<{ sealed: Buffer; key_id: string }>(
      'sealed-row',
      'select sealed, key_id from sealed_key where name = $1',
      [name],
    );
    return found!;
  };

  describe('a sealed key', () => {
    it('is made once, whoever of many is first, and is the same for all and for ever', async () => {
      const key = newKey();
      const given = await Promise.all(Array.from({ length: 15 }, () => sealedKey(db, name, key)));
      expect(given[0]).toHaveLength(32);
      expect(given).toEqual(given.map(() => given[0]));
      expect(await sealedKey(db, name, key)).toEqual(given[0]);
    });

    it('is another one under another name, and lies sealed', async () => {
      const key = newKey();
      const [one, other] = [await sealedKey(db, name, key), await sealedKey(db, `${name} other`, key)];
      expect(other).not.toEqual(one);
      expect((await row()).sealed.includes(one)).toBe(false);
    });

    it('outlives a rotation: it is sealed anew under the present key by the first who finds it under the previous one', async () => {
      const [old, current] = [newKey(), newKey()];
      const before = await sealedKey(db, name, old);
      const rotated = await Promise.all(Array.from({ length: 5 }, () => sealedKey(db, name, current, old)));
      expect(rotated).toEqual(rotated.map(() => before));
      expect((await row()).key_id).toBe(current.id);
      // The second step of the rotation: the previous key is gone.
      expect(await sealedKey(db, name, current)).toEqual(before);
    });

    it('stays as it is when nothing is rotated', async () => {
      const key = newKey();
      await sealedKey(db, name, key);
      const { sealed } = await row();
      await sealedKey(db, name, key, newKey());
      expect((await row()).sealed).toEqual(sealed);
    });

    it('is not given under keys that it was not sealed under, and is not replaced', async () => {
      await sealedKey(db, name, newKey());
      const { sealed } = await row();
      await expect(sealedKey(db, name, newKey())).rejects.toThrow('written under another key');
      await expect(sealedKey(db, name, newKey(), newKey())).rejects.toThrow('PERSON_KEY_PREVIOUS');
      expect((await row()).sealed).toEqual(sealed);
    });
  });

  it('a person who came in under the previous key is found under the new one, with the same subscriptions', async () => {
    const [old, current] = [newKey(), newKey()];
    const names: [string, string, string] = ['client', 'provider', 'service'];
    const store = new EventStore(db, 'main', new Signal());
    const before = new PersonIdentities(old).of('999999990').newRow();
    const streamId = streamIdOf(before.personId, ...names);
    await store.append([
      {
        streamId,
        expectedVersion: 0,
        facts: [{ type: 'fact', data: {} }],
        dueOn: null,
        person: before,
        trace: { correlation_id: 'c', causation_id: 'c' },
        occurredAt: new Date(),
      },
    ]);
    const find = async (identities: PersonIdentities) => {
      const { subjectHash, previousSubjectHash } = identities.of('999999990');
      return (await store.read([{ target: { subjectHash, previousSubjectHash, names } }]))[0]!;
    };
    expect(await find(new PersonIdentities(current, old))).toMatchObject({
      personId: before.personId,
      events: [{ stream_id: streamId }],
    });
    expect(await find(new PersonIdentities(current))).toEqual({ events: [] });
  });
});
