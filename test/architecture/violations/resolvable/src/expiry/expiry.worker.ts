import { endToday } from './moved-elsewhere'; // flagged

export const run = () => endToday();
