import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { PersonalSeal } from '../persons';

/** A handle is this long at most: the limits of what is in it leave room. */
const handleMax = 4_000;

/** Any text; it keeps what is sealed here from being read as anything else. */
const context = 'authorization interaction';

const content = z.object({
  i: z.uuid(),
  c: z.string(),
  r: z.string(),
  s: z.string(),
  q: z.string(),
  k: z.string(),
  b: z.string(),
  e: z.number(),
});

/** What an interaction's handle carries, so that the browser gets back to the client even when nothing else is known any more. */
export interface InteractionAddress {
  interactionId: string;
  clientId: string;
  redirectUri: string;
  state: string;
  /** Of the authorization request, for the log. */
  requestId: string;
  correlationId: string;
  /** Knows the browser again that began it: a hash, of this interaction's own. */
  browser: string;
  expiresAt: Date;
}

/** The id of an interaction as the browser has it: sealed, so that nobody can read or make one. */
export class InteractionHandles {
  constructor(private readonly seal: PersonalSeal) {}

  /** A text of URL-safe characters. */
  handleOf(address: InteractionAddress): string {
    const { interactionId, clientId, redirectUri, state, requestId, correlationId, browser, expiresAt } = address;
    const plain = JSON.stringify({
      i: interactionId,
      c: clientId,
      r: redirectUri,
      s: state,
      q: requestId,
      k: correlationId,
      b: browser,
      e: expiresAt.getTime(),
    } satisfies z.input<typeof content>);
    const { sealed, keyId } = this.seal.seal(Buffer.from(plain), context);
    return `${keyId}.${sealed.toString('base64url')}`;
  }

  /** Undefined for anything that was not made here, or under a key that is gone. */
  open(handle: string): InteractionAddress | undefined {
    const parts = /^(?<keyId>[0-9a-f]{16})\.(?<sealed>[A-Za-z0-9_-]{60,})$/.exec(handle)?.groups;
    if (!parts || handle.length > handleMax) return undefined;
    let plain: Buffer | undefined;
    try {
      plain = this.seal.open({ keyId: parts.keyId!, sealed: Buffer.from(parts.sealed!, 'base64url') }, context);
    } catch {
      // It was changed, or made up: the seal says so.
      return undefined;
    }
    if (!plain) return undefined;
    const { i, c, r, s, q, k, b, e } = content.parse(JSON.parse(plain.toString('utf8')));
    return {
      interactionId: i,
      clientId: c,
      redirectUri: r,
      state: s,
      requestId: q,
      correlationId: k,
      browser: b,
      expiresAt: new Date(e),
    };
  }
}

/** Knows the browser again that began an interaction. */
export function browserHash(interactionId: string, browser: string): string {
  return createHash('sha256').update(`interaction ${interactionId} ${browser}`).digest('base64url');
}

/** Whether this is the browser that began it. */
export function isBegunBy({ interactionId, browser }: InteractionAddress, asking: string | undefined): boolean {
  if (asking === undefined) return false;
  return timingSafeEqual(Buffer.from(browser), Buffer.from(browserHash(interactionId, asking)));
}
