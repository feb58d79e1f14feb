/**
 * Why a client is suspended as a whole: its endpoint shows another identity, or has done nothing but fail for long; an operator wants
 * it; it left the client list.
 */
export const suspensionReasons = ['endpoint_identity', 'endpoint_failing', 'operator', 'client_delisted'] as const;
export type SuspensionReason = (typeof suspensionReasons)[number];

/** Why it is resumed: an operator wants it, or it stands on the client list again. */
export type ResumptionReason = 'operator' | 'client_listed';

/** What happens to a client, in the names that go out on Kafka (contract.md 5). */
export type ClientEvent =
  | { type: 'nl.medmij.client.suspended.v1'; data: { client_id: string; reason: SuspensionReason } }
  | { type: 'nl.medmij.client.resumed.v1'; data: { client_id: string; reason: ResumptionReason } };
