import { integer } from 'fast-check'; // flagged

export const delays = integer();
