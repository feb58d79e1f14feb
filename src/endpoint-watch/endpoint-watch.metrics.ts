import { Counter, type Registry } from 'prom-client';
import type { Finding } from './endpoint-watch.decider';

const findings: readonly Finding['kind'][] = ['baseline', 'as_before', 'unreachable', 'changed', 'doubtful', 'bad'];

/** What the looks at endpoints found: `changed` and `doubtful` are worth an alert, `bad` has suspended a client. */
export class EndpointWatchMetrics {
  private readonly looks: Counter<'finding'>;

  constructor(registry: Registry) {
    this.looks = new Counter({
      name: 'medmij_endpoint_looks_total',
      help: 'Looks at who answers at the endpoints of clients, by what they found',
      labelNames: ['finding'],
      registers: [registry],
    });
    for (const finding of findings) this.looks.inc({ finding }, 0);
  }

  looked(finding: Finding['kind']): void {
    this.looks.inc({ finding });
  }
}
