import { save } from './delivery.store'; // flagged

export const verdict = (status: number) => save(status);
