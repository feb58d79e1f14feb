import { type handleAll } from './subscription.handlers'; // flagged

export const batchSize = 200;
export type Handle = typeof handleAll;
