import { Counter, Gauge, type Registry } from 'prom-client';
import { failureCode, failureKind, failureKinds } from './connection-failure';

const connectionUses = ['new', 'reused'] as const;
const handshakes = ['full', 'resumed'] as const;

/** What operators watch of the connections to clients: a rate of new ones near that of the calls means keep-alive is broken. */
export class ConnectionMetrics {
  private readonly calls: Counter<'connection'>;
  private readonly handshakes: Counter<'session'>;
  private readonly failures: Counter<'kind'>;

  constructor(registry: Registry, open: () => { pools: number; sockets: number }) {
    const registers = [registry];
    this.calls = new Counter({
      name: 'medmij_client_calls_total',
      help: 'Calls to clients, by whether their connection was new or used before',
      labelNames: ['connection'],
      registers,
    });
    this.handshakes = new Counter({
      name: 'medmij_client_handshakes_total',
      help: 'TLS handshakes with clients that succeeded, by whether an earlier session was resumed',
      labelNames: ['session'],
      registers,
    });
    this.failures = new Counter({
      name: 'medmij_client_connection_failures_total',
      help: 'Connections to clients that failed before they could be used, or by a TLS alert, by kind',
      labelNames: ['kind'],
      registers,
    });
    for (const connection of connectionUses) this.calls.inc({ connection }, 0);
    for (const session of handshakes) this.handshakes.inc({ session }, 0);
    for (const kind of failureKinds) this.failures.inc({ kind }, 0);
    new Gauge({
      name: 'medmij_client_connections',
      help: 'Connections to clients that are open, and pools of them',
      labelNames: ['what'],
      registers,
      collect() {
        for (const [what, count] of Object.entries(open())) this.set({ what }, count);
      },
    });
  }

  called(connection: (typeof connectionUses)[number]): void {
    this.calls.inc({ connection });
  }

  shookHands(session: (typeof handshakes)[number]): void {
    this.handshakes.inc({ session });
  }

  /** A connection that could not be made. */
  failed(error: unknown): void {
    this.failures.inc({ kind: failureKind(failureCode(error)) });
  }

  /** An error on a connection that was in use: only an alert says something of the handshake. */
  brokeOff(error: unknown): void {
    const kind = failureKind(failureCode(error));
    if (kind === 'alert') this.failures.inc({ kind });
  }
}
