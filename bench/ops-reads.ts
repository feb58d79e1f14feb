import { Pool } from 'undici';
import type { FilledDatabase } from './filled-database';
import { terms } from './person-life';
import type { ServiceProcess } from './service-process';

const pageRows = 50;

/** What operators ask of a service that runs over a filled database, by what they see; each answer must hold what was filled in. */
export class OpsReads {
  private readonly pool: Pool;

  constructor(
    private readonly service: ServiceProcess,
    private readonly filled: FilledDatabase,
    connections: number,
  ) {
    this.pool = new Pool(service.url, { connections, pipelining: 1 });
  }

  async history(): Promise<void> {
    this.expectRows(await this.read(`/subscriptions/${this.filled.anySubscription()}/history`), 1);
  }

  async pageOfStatus(): Promise<void> {
    this.expectRows(
      await this.read(`/subscriptions?status=active&provider=${terms.provider}&limit=${pageRows}`),
      pageRows,
    );
  }

  /** A page of what there was at a moment at which at least a page of subscriptions had begun. */
  async pageAsOf(): Promise<void> {
    const { startedAt: at } = this.filled.anyPlace();
    this.expectRows(
      await this.read(`/subscriptions/as-of?at=${at}&client_id=${terms.clientId}&limit=${pageRows}`),
      pageRows,
    );
  }

  async close(): Promise<void> {
    await this.pool.close();
    await this.service.stop();
  }

  private async read(path: string): Promise<{ items: unknown[] }> {
    const { statusCode, body } = await this.pool.request({
      method: 'GET',
      path: `/ops/api${path}`,
      headers: { authorization: `Bearer ${this.service.token}` },
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path} was answered with ${statusCode}: ${text}`);
    return JSON.parse(text) as { items: unknown[] };
  }

  private expectRows({ items }: { items: unknown[] }, rows: number): void {
    if (items.length !== rows) throw new Error(`${rows} rows must be there, and ${items.length} are.`);
  }
}
