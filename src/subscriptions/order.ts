import { z } from 'zod';
import type { IdentityRow, StreamTarget, Trace } from '../event-store';
import type { Subscribe, SubscriptionCommand } from './subscription.commands';
import type { Party } from './subscription.events';

/** How a subscription stands after an order: the body of the answer (contract.md 4). */
export const standingSchema = z.strictObject({
  subscription_id: z.string(),
  status: z.enum(['active', 'suspended', 'terminated', 'expired']),
  end_date: z.iso.date(),
  version: z.int().min(1),
  position: z.string().meta({ description: 'For wait_for; later ones sort higher as text.' }),
});
export type Standing = z.output<typeof standingSchema>;

/** `recorded`: something happened because of this order, now. A repeat or an order that changes nothing records nothing. */
export interface OrderResult {
  recorded: boolean;
  standing: Standing;
}

/** Makes an order take effect once: its sender's key, and what the request said. */
export interface Once {
  key: string;
  fingerprint: Buffer;
}

/** A person as an order names one: how to look it up, and the row to make for one not known yet. */
export interface OrderingPerson {
  subjectHash: Buffer;
  previousSubjectHash?: Buffer;
  newRow(): IdentityRow;
}

/** The stream an order turned out to be for. */
export interface OrderStream {
  streamId: string;
  personId: string;
}

/** A command on its way: which stream it is for, what caused it, and what to decide once the stream is known. */
export interface Order {
  target: StreamTarget;
  person?: OrderingPerson;
  once?: Once;
  trace: Trace;
  now: Date;
  command(stream: OrderStream): SubscriptionCommand;
}

/** When the person agreed, and under which id. */
export type Authorization = Pick<Subscribe, 'authorizationId' | 'authorizedAt'>;

/** What was agreed on; 0 days end the subscription (ext.abo.authint.200). */
export interface AuthorizedTerms {
  clientId: string;
  provider: string;
  serviceId: string;
  interfaceVersion: string;
  grantedDays: number;
}

/** `<stream uuid>.<n>`: no table is needed to find the stream of a subscription. */
export function streamOf(subscriptionId: string): string {
  return subscriptionId.slice(0, subscriptionId.indexOf('.'));
}

/** Whom an order names beside the person. */
export type PartyNames = Pick<AuthorizedTerms, 'clientId' | 'provider' | 'serviceId'>;

/** The stream of a person, client, provider and service. */
export function targetOf(
  { subjectHash, previousSubjectHash }: Pick<OrderingPerson, 'subjectHash' | 'previousSubjectHash'>,
  party: PartyNames,
): StreamTarget {
  return { subjectHash, previousSubjectHash, names: [party.clientId, party.provider, party.serviceId] };
}

export function partyOf({ clientId, provider, serviceId }: PartyNames, personId: string): Party {
  return { client_id: clientId, provider, service_id: serviceId, person_id: personId };
}

/** Whether a text has the form of one of our subscription ids. */
export function isSubscriptionId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[1-9][0-9]{0,8}$/.test(text);
}
