import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Each span has one; what refers to another span has another name. */
const spanMark = Buffer.from('"spanId":');

/** A collector that counts the spans it is sent (OTLP over HTTP, with JSON) and keeps none. */
export class SpanReceiver {
  spans = 0;
  bytes = 0;

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => void pieces.push(piece));
      request.on('end', () => {
        const body = Buffer.concat(pieces);
        this.bytes += body.length;
        this.spans += countOf(spanMark, body);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  static async start(): Promise<SpanReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SpanReceiver(server);
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function countOf(part: Buffer, whole: Buffer): number {
  let count = 0;
  // Parsing would take this process more time than sending took the service.
  for (let at = whole.indexOf(part); at !== -1; at = whole.indexOf(part, at + part.length)) count += 1;
  return count;
}
