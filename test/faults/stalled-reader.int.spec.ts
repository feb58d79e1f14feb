import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CheckpointStore, HeldLease } from '../../src/event-store';
import { Database } from '../../src/platform';
import { createDatabase, type TestDatabase } from '../support/database';

describe('a reader of the log that stood still for longer than its lease lasts', () => {
  let database: TestDatabase;
  let connection: Database;
  beforeAll(async () => {
    database = await createDatabase();
    connection = await Database.connect(database.url);
  });
  afterAll(async () => {
    await connection.close();
    await database.drop();
  });

  it('takes its lease anew, though its own timer renewed it meanwhile; others still have to wait', async () => {
    const checkpoints = new CheckpointStore(connection, 'main');
    const [lease, other] = [new HeldLease(checkpoints, 'relay'), new HeldLease(checkpoints, 'relay')];
    expect(await lease.take()).toBeDefined();
    const before = lease.current()!;
    expect(await other.take()).toBeUndefined();
    expect(await lease.take()).toBeDefined();
    expect(BigInt(lease.current()!.fence)).toBeGreaterThan(BigInt(before.fence));
    expect(await other.take()).toBeUndefined();
    await lease.giveBack();
    expect(await other.take()).toBeDefined();
    await other.giveBack();
  });
});
