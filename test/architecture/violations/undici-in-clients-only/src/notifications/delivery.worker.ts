import { request } from 'undici'; // flagged

export const send = (url: string) => request(url);
