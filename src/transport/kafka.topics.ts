import type { Admin, Kafka } from 'kafkajs';
import { partitionsAtCreation, topics } from './topics';

/** Looks at fresh topics until each partition has a leader. */
const leaderLooksMax = 50;
const leaderLookEveryMs = 200;

/**
 * Makes the topics of contract.md 5 that are missing, or only checks them; returns when each of them can be written to.
 * @throws Error that names the missing ones, when they may not be made.
 */
export async function makeTopics(kafka: Kafka, prefix: string, mayCreate: boolean): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const present = new Set(await admin.listTopics());
    const missing = Object.values(topics).filter(({ name }) => !present.has(prefix + name));
    if (missing.length > 0) {
      const names = missing.map(({ name }) => prefix + name);
      if (!mayCreate) throw new Error(`Kafka topics are missing: ${names.join(', ')}`);
      await admin.createTopics({
        // kafkajs gives up at the first broker that has not heard of the topic yet.
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic: prefix + topic.name,
          numPartitions: partitionsAtCreation,
          replicationFactor: -1,
          configEntries: 'retentionMs' in topic ? [{ name: 'retention.ms', value: String(topic.retentionMs) }] : [],
        })),
      });
    }
    // Those that were there already may be a moment old: another process has just made them.
    await leadersOf(
      admin,
      Object.values(topics).map(({ name }) => prefix + name),
    );
  } finally {
    await admin.disconnect();
  }
}

async function leadersOf(admin: Admin, names: string[]): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    try {
      await admin.fetchTopicMetadata({ topics: names });
      return;
    } catch (error) {
      if (looks === leaderLooksMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, leaderLookEveryMs));
    }
  }
}
