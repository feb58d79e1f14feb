import { readConfig } from './config';

console.error(readConfig(process.env));
