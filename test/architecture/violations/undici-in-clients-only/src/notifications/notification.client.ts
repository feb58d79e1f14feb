import { request } from 'undici';

export const send = (url: string) => request(url);
