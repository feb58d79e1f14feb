import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CertifiedKey } from '../dev/certificates';
import type { Arrival, Behaviour, ReceiverOrder } from './receiver-process';

/** No connection of a sender that has pauses is closed under its hands. */
const keepAliveMs = 120_000;

/** Takes notifications, keeps what came, answers 204. */
class Clients {
  private arrivals: Arrival[] = [];
  private hanging: ReadonlySet<string> = new Set();
  private delayMs = 0;

  async listen({ certificate, key }: CertifiedKey, trusted: string): Promise<number> {
    const server = createServer(
      { cert: certificate, key, ca: trusted, requestCert: true, rejectUnauthorized: true },
      (request, response) => this.receive(request, response),
    );
    server.keepAliveTimeout = keepAliveMs;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  behave({ hanging, delayMs }: Behaviour): void {
    this.hanging = new Set(hanging);
    this.delayMs = delayMs;
  }

  take(): Arrival[] {
    const { arrivals } = this;
    this.arrivals = [];
    return arrivals;
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const atMs = performance.timeOrigin + performance.now();
      const clientId = (request.headers.host ?? '').split(':')[0]!;
      const answered = !this.hanging.has(clientId);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { subscription_id: string; end_date?: string };
      this.arrivals.push({
        correlationId: String(request.headers['x-correlation-id']),
        subscriptionId: body.subscription_id,
        endDate: body.end_date,
        clientId,
        atMs,
        answered,
      });
      if (!answered) return;
      const answer = () => response.writeHead(204).end();
      if (this.delayMs === 0) answer();
      else setTimeout(answer, this.delayMs);
    });
  }
}

const clients = new Clients();
process.on('message', (order: ReceiverOrder) => {
  switch (order.kind) {
    case 'listen':
      void clients.listen(order.identity, order.trusted).then((port) => process.send!(port));
      return;
    case 'behave':
      clients.behave(order.behaviour);
      process.send!(true);
      return;
    case 'take':
      process.send!(clients.take());
  }
});
process.on('disconnect', () => process.exit());
