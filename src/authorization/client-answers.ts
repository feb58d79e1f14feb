import type { FastifyReply } from 'fastify';
import { type ExceptionName, type ExceptionRow, exceptions } from './exceptions';
import { type ReturnAddress } from './authorization-request';
import { withParameters } from './redirect-uri';
import { stepEnd } from './time-steps';

/**
 * Refusals leave at the end of a step of this many milliseconds, counted from the arrival of the request. Measured on two cores
 * that had seven times as much to do as they could, with 40 browsers leaving at once: half were ready to leave after 37 ms,
 * 99 % after 216 ms. A person does not notice it. Tests make it shorter.
 */
export const leaving = { stepMs: 250 };

/** Ids of a request are for machines (contract.md 3); here they would only make equal answers differ. */
const idHeaders = ['medmij-request-id', 'x-correlation-id'];

/** What the browser takes back to the client: a code, an error, or the one answer to every refusal. */
export class ClientAnswers {
  constructor(private readonly publicUrl: string) {}

  /** The address with a code (RFC 6749 section 4.1.2, RFC 9207). */
  codeLocation({ redirectUri, state }: ReturnAddress, code: string): string {
    return withParameters(redirectUri, { code, iss: this.publicUrl, state });
  }

  /** The address with the error that the table gives for an exception; `sentence` is for the developer of the client. */
  errorLocation({ redirectUri, state }: ReturnAddress, exception: ExceptionName, sentence?: string): string {
    const { melding }: ExceptionRow = exceptions[exception];
    if (!melding) throw new Error(`The client is told nothing of ${exception}.`);
    const { error, error_description = sentence, error_uri } = melding;
    return withParameters(redirectUri, {
      error,
      error_description,
      error_uri: `${this.publicUrl}/errors/${error_uri}`,
      iss: this.publicUrl,
      state,
    });
  }

  /** 302 and nothing else. */
  async redirect(reply: FastifyReply, location: string): Promise<void> {
    for (const name of idHeaders) reply.removeHeader(name);
    await reply.status(302).headers({ location, 'cache-control': 'no-store' }).send();
  }

  async redirectWithError(
    reply: FastifyReply,
    address: ReturnAddress,
    exception: ExceptionName,
    sentence?: string,
  ): Promise<void> {
    await this.redirect(reply, this.errorLocation(address, exception, sentence));
  }

  /**
   * THE WAY OUT of refusals 2, 3 and 4, of cancelling and of an interaction that expired: for the client they are one and the same,
   * in every byte but `state` and in time (domain.md 3). Whatever the work before took, the answer leaves at the end of a step
   * that is counted from the arrival of the request, so from the person's last click.
   */
  async deny(reply: FastifyReply, address: ReturnAddress): Promise<void> {
    const arrivedMs = performance.now() - reply.elapsedTime;
    const location = this.errorLocation(address, 'Abonneren 4');
    await stepEnd(arrivedMs, leaving.stepMs);
    await this.redirect(reply, location);
  }
}
