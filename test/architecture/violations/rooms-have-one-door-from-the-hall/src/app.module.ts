import { readPage } from './event-store/log.reader'; // flagged

export const imports = [readPage];
