import { Pool } from 'undici';
import { z } from 'zod';
import { boundedBody, readJsonDocument } from '../platform';
import { type Availability, type AvailabilityQuestion, AvailabilityUnknown } from './availability';

/** The whole question, from the connection to the last byte of the answer: a person is waiting. */
const budgetMs = 5_000;
const bodyBytesMax = 4_096;
const connectionsMax = 20;

/** What was said besides is not ours to look at. */
const answerBody = z.object({ available: z.boolean() });

/** POST `{ subject, issuer, provider, service_id }` -> `{ available }` (contract.md 2): one budget for it all, no redirects, a bounded body. */
export class AvailabilityClient implements Availability {
  private readonly pool: Pool;
  private readonly path: string;

  constructor(url: string) {
    const { origin, pathname, search } = new URL(url);
    this.pool = new Pool(origin, { connections: connectionsMax, connect: { timeout: budgetMs } });
    this.path = pathname + search;
  }

  async isAvailable({ subject, issuer, provider, serviceId }: AvailabilityQuestion): Promise<boolean> {
    const signal = AbortSignal.timeout(budgetMs);
    const bytes = await this.ask(JSON.stringify({ subject, issuer, provider, service_id: serviceId }), signal).catch(
      (error: unknown) => {
        if (error instanceof AvailabilityUnknown) throw error;
        throw new AvailabilityUnknown(signal.aborted ? 'it did not answer in time' : 'it cannot be reached');
      },
    );
    return read(bytes);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async ask(body: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.pool.request({
      path: this.path,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body,
      signal,
    });
    const tooLarge = () => new AvailabilityUnknown('its answer is too large');
    const bytes = await boundedBody(response.body, bodyBytesMax, tooLarge);
    if (response.statusCode !== 200) throw new AvailabilityUnknown(`it answered with status ${response.statusCode}`);
    return bytes;
  }
}

/** @throws AvailabilityUnknown */
function read(bytes: Buffer): boolean {
  let content: unknown;
  try {
    content = readJsonDocument(bytes);
  } catch {
    throw new AvailabilityUnknown('its answer is no JSON document');
  }
  const answer = answerBody.safeParse(content);
  if (!answer.success) throw new AvailabilityUnknown('its answer does not say whether');
  return answer.data.available;
}
