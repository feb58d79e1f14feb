import { readPage } from '../event-store/log.reader'; // flagged

export const publishNext = () => readPage();
