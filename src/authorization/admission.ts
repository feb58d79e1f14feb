import { randomUUID } from 'node:crypto';
import type { SuspendedClients } from '../clients';
import type { Clock } from '../platform';
import type { AuthorizationAudit } from './authorization.audit';
import type { AuthorizationRequest } from './authorization-request';
import { AuthorizationException } from './exceptions';
import { browserHash, type InteractionHandles } from './interaction-handle';
import type { InteractionStore } from './interaction.store';

/** Tests make them small. */
export const admissionLimits = {
  /** Interactions open at once, over all processes; one more is told to come back. */
  openMax: 50_000,
  /** How long the number of open ones is believed. */
  openCountedEveryMs: 1_000,
};

/** Lets a checked authorization request in. */
export class Admission {
  private openCounted?: { atMs: number; count: Promise<number> };

  constructor(
    private readonly store: InteractionStore,
    private readonly suspendedClients: Pick<SuspendedClients, 'has'>,
    private readonly handles: InteractionHandles,
    private readonly audit: AuthorizationAudit,
    private readonly clock: Clock,
    private readonly ttlS: number,
  ) {}

  /**
   * Begins an interaction, for this browser only; the answer is its handle.
   * @throws AuthorizationException `unauthorized_client` when a suspended client asks for more than an ending,
   *   `temporarily_unavailable` when too many are open already
   */
  async begin(request: AuthorizationRequest, browser: string): Promise<string> {
    const now = this.clock.now();
    if (request.terms.days > 0 && this.suspendedClients.has(request.clientId)) {
      throw new AuthorizationException('unauthorized_client');
    }
    if ((await this.openCount(now)) >= admissionLimits.openMax) {
      throw new AuthorizationException('temporarily_unavailable');
    }
    const { clientId, redirectUri, state, requestId, correlationId, terms } = request;
    const interactionId = randomUUID();
    const address = {
      ...{ interactionId, clientId, redirectUri, state, requestId, correlationId },
      browser: browserHash(interactionId, browser),
      expiresAt: new Date(now.getTime() + this.ttlS * 1_000),
    };
    await this.store.begin({
      interaction_id: interactionId,
      client_id: clientId,
      provider: terms.provider,
      service_id: terms.serviceId,
      interface_version: terms.interfaceVersion,
      days: terms.grantedDays,
      request_id: requestId,
      correlation_id: correlationId,
      created_at: now,
      expires_at: address.expiresAt,
    });
    this.audit.step(address, 'authorization.requested');
    return this.handles.handleOf(address);
  }

  private openCount(now: Date): Promise<number> {
    const nowMs = performance.now();
    if (!this.openCounted || nowMs - this.openCounted.atMs > admissionLimits.openCountedEveryMs) {
      const count = this.store.openCount(now, admissionLimits.openMax);
      this.openCounted = { atMs: nowMs, count };
      count.catch(() => (this.openCounted = undefined));
    }
    return this.openCounted.count;
  }
}
