import { Kafka } from 'kafkajs'; // flagged

export const kafka = new Kafka({ brokers: [] });
