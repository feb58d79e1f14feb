import { Command } from '@nestjs/cqrs';
import type { Trace } from '../event-store';
import type { ClientCommand } from './client.decider';
import type { ResumptionReason, SuspensionReason } from './client.events';

/** How a client stands after an order. */
export interface ClientOrderResult {
  /** Something happened because of this order; one that changes nothing records nothing. */
  recorded: boolean;
  isSuspended: boolean;
  /** Of the last event about the client; undefined when there never was one. */
  position: string | undefined;
}

/** The whole client rests: nothing is sent to it, and it may not ask for anything but shortenings and endings (domain.md 11). */
export class SuspendClientOrder extends Command<ClientOrderResult> {
  readonly command: ClientCommand;

  /** @param clientId as the client list spells it, in lower case */
  constructor(
    clientId: string,
    reason: SuspensionReason,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.command = { type: 'Suspend', clientId, reason };
  }
}

/** The client goes on as before. One that is suspended for a firmer reason than the one that is over stays so. */
export class ResumeClientOrder extends Command<ClientOrderResult> {
  readonly command: ClientCommand;

  constructor(
    clientId: string,
    reason: ResumptionReason,
    readonly trace: Trace,
    readonly now: Date,
  ) {
    super();
    this.command = { type: 'Resume', clientId, reason };
  }
}

export type ClientOrder = SuspendClientOrder | ResumeClientOrder;
