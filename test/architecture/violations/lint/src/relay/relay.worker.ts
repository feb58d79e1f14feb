import { env } from 'node:process'; // reported by no-restricted-syntax

const { env: variables } = process; // reported by no-restricted-syntax

export const brokers = [process.env.KAFKA_BROKERS, env.KAFKA_BROKERS, variables.KAFKA_BROKERS]; // reported by no-restricted-syntax
export const report = () => console.log(brokers); // reported by no-console
