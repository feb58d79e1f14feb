import { describe, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';

describe('npm test', () => {
  it('hands every test a real PostgreSQL', async () => {
    const client = new Client({ connectionString: process.env.DATABASE_URL });
    await client.connect();
    try {
      const { rows } = await client.query<{ major: number }>(
        `select current_setting('server_version_num')::int / 10000 as major`,
      );
      expect(rows[0]!.major).toBeGreaterThanOrEqual(15);
    } finally {
      await client.end();
    }
  });

  it('hands every test a real Kafka that makes no topic unasked', async () => {
    const brokers = process.env.KAFKA_BROKERS!.split(',');
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } }).admin();
    await admin.connect();
    try {
      await expect(admin.fetchTopicMetadata({ topics: ['never-made'] })).rejects.toThrow();
      expect(await admin.listTopics()).not.toContain('never-made');
    } finally {
      await admin.disconnect();
    }
  });
});
