import type { IncomingMessage, ServerResponse } from 'node:http';

const name = 'sample_client';
const pattern = new RegExp(`(?:^|; *)${name}=([A-Za-z0-9_-]{43})(?:;|$)`);
/** Strict: only what begins at a page of this host brings it along. */
const attributes = 'Path=/; HttpOnly; SameSite=Strict';

export const cookieOf = ({ headers }: IncomingMessage): string | undefined => pattern.exec(headers.cookie ?? '')?.[1];

export function setCookie(response: ServerResponse, value: string): void {
  response.setHeader('set-cookie', `${name}=${value}; ${attributes}`);
}

export function forgetCookie(response: ServerResponse): void {
  response.setHeader('set-cookie', `${name}=; ${attributes}; Max-Age=0`);
}

/** A page elsewhere that makes its own host name point here must not read what is here. */
export function isForThisMachine({ headers: { host = '' } }: IncomingMessage): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(`http://${host}`).hostname);
}

/** Sent by a page of this origin. The service is the same site (another port of localhost), so the cookie alone says too little. */
export function isFromOwnPage({ headers }: IncomingMessage): boolean {
  return headers.origin === `http://${headers.host}`;
}
