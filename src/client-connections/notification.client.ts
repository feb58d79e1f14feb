import type { Answer } from './answer';
import { call } from './call.client';
import type { ConnectionPools } from './connection-pools';
import type { SendingConditions } from './sending-conditions';

export interface NotificationCall {
  /** Base URI of the client list entry; `/Notification` is added (ext.abo.subnotint.200). */
  baseUri: string;
  body: Record<string, string>;
  requestId: string;
  correlationId: string;
}

/** Sends notifications: mutual TLS, HTTP/1.1, pooled by origin and identity, no redirects, a bounded body, one budget for it all. */
export class NotificationClient {
  constructor(
    private readonly conditions: SendingConditions,
    private readonly pools: ConnectionPools,
  ) {}

  /** Why nothing at all can be sent at `now`: no usable certificate of ours, a stale list. Undefined when it can. */
  async heldBackBy(now: Date): Promise<string | undefined> {
    const identity = await this.conditions.identityOrReason(now);
    return 'heldBackBy' in identity ? identity.heldBackBy : undefined;
  }

  /** Says what came of it and never throws; with `held_back` and with a refused host nothing was sent. */
  async send({ baseUri, body, requestId, correlationId }: NotificationCall): Promise<Answer> {
    const url = new URL(`${baseUri.replace(/\/+$/, '')}/Notification`);
    const identity = await this.conditions.identityOrReason();
    if ('heldBackBy' in identity) return { kind: 'held_back', reason: identity.heldBackBy };
    const refusal = this.conditions.refusalOf(url.hostname);
    if (refusal) return { kind: 'failed', error: refusal.code };
    const options = { path: url.pathname, body: JSON.stringify(body), requestId, correlationId };
    return call(this.pools.of(url, identity), options);
  }
}
