import { randomBytes } from 'node:crypto';
import type { Database } from '../platform';
import type { PersonKey } from './person-key';

/**
 * A random key that outlives a rotation of PERSON_KEY: made once, kept sealed, sealed anew under the current key when it is
 * found under the previous one.
 * @throws Error when it was sealed under a PERSON_KEY that is not configured: this would be another service's database.
 */
export async function sealedKey(
  database: Database,
  name: string,
  key: PersonKey,
  previousKey?: PersonKey,
): Promise<Buffer> {
  await database.query(
    'sealed-key.make',
    'insert into sealed_key (name, sealed, key_id) values ($1, $2, $3) on conflict do nothing',
    [name, key.seal(randomBytes(32), name), key.id],
  );
  const [row] = await database.query<{ sealed: Buffer; key_id: string }>(
    'sealed-key.read',
    'select sealed, key_id from sealed_key where name = $1',
    [name],
  );
  const { sealed, key_id: keyId } = row!;
  if (keyId === key.id) return key.open(sealed, name);
  if (keyId !== previousKey?.id) {
    throw new Error('PERSON_KEY: this database was written under another key; give that one as PERSON_KEY_PREVIOUS.');
  }
  const plain = previousKey.open(sealed, name);
  await database.query(
    'sealed-key.reseal',
    'update sealed_key set sealed = $2, key_id = $3 where name = $1 and key_id = $4',
    [name, key.seal(plain, name), key.id, keyId],
  );
  return plain;
}
