import type { ClientEvent, ResumptionReason, SuspensionReason } from './client.events';

/** What is to happen to a client. */
export type ClientCommand =
  | { type: 'Suspend'; clientId: string; reason: SuspensionReason }
  | { type: 'Resume'; clientId: string; reason: ResumptionReason };

/** Why the client is suspended; undefined while it is not. */
export interface ClientState {
  suspendedFor?: SuspensionReason;
}

export const initialClientState: ClientState = {};

export function evolveClient(_state: ClientState, event: ClientEvent): ClientState {
  return event.type === 'nl.medmij.client.suspended.v1' ? { suspendedFor: event.data.reason } : {};
}

/**
 * What happens; nothing when it is already so.
 *
 * A client that has left the list comes back by itself when it is listed again; what an operator or the endpoint watch has
 * suspended stays so until an operator resumes it, whichever came first (decided).
 */
export function decideClient(command: ClientCommand, { suspendedFor }: ClientState): ClientEvent[] {
  const { clientId: client_id } = command;
  if (command.type === 'Suspend') {
    const { reason } = command;
    const isNewlyFirm = suspendedFor === 'client_delisted' && reason !== 'client_delisted';
    return suspendedFor === undefined || isNewlyFirm
      ? [{ type: 'nl.medmij.client.suspended.v1', data: { client_id, reason } }]
      : [];
  }
  const { reason } = command;
  const mayResume = reason === 'operator' ? suspendedFor !== undefined : suspendedFor === 'client_delisted';
  return mayResume ? [{ type: 'nl.medmij.client.resumed.v1', data: { client_id, reason } }] : [];
}
