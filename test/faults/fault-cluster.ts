import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaServer, startKafka } from '../../dev/embedded/kafka';
import { forgetfulSettings, type PostgresServer, startPostgres } from '../../dev/embedded/postgres';

// What a server has handed to the system survives the kill of its process: nothing here pulls the plug of the machine.
const postgresSettings = { ...forgetfulSettings, max_connections: '300' };

/** A PostgreSQL and a broker of our own, so that they can be stopped, killed and frozen; each comes back on its data. */
export class FaultCluster {
  private constructor(
    readonly folder: string,
    private postgres: PostgresServer,
    private kafka: KafkaServer,
  ) {}

  static async start(): Promise<FaultCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'medmij-fault-cluster-'));
    // PostgreSQL's own user must get through when root runs the tests.
    chmodSync(folder, 0o711);
    const [postgres, kafka] = await Promise.all([
      startPostgres({ dataDir: folder, settings: postgresSettings }),
      startKafka({ dataDir: folder }),
    ]);
    return new FaultCluster(folder, postgres, kafka);
  }

  get databaseUrl(): string {
    return this.postgres.url;
  }

  get brokers(): string[] {
    return [this.kafka.brokers];
  }

  /** `fast` ends the sessions and stops in order; `immediate` drops everything and leaves recovery to the next start. */
  async stopDatabase(how: 'fast' | 'immediate'): Promise<void> {
    if (how === 'fast') return this.postgres.stop();
    process.kill(this.postgres.pid, 'SIGQUIT');
    await this.postgres.exited;
  }

  async startDatabase(): Promise<void> {
    const { port } = this.postgres;
    this.postgres = await startPostgres({ dataDir: this.folder, port, settings: postgresSettings });
  }

  async stopBroker(how: 'in order' | 'kill -9'): Promise<void> {
    if (how === 'in order') return this.kafka.stop();
    process.kill(this.kafka.pid, 'SIGKILL');
    await this.kafka.exited;
  }

  async startBroker(): Promise<void> {
    const { port } = this.kafka;
    this.kafka = await startKafka({ dataDir: this.folder, port });
  }

  /** It keeps its port and its connections, and answers nobody. */
  async freezeBrokerFor(ms: number): Promise<void> {
    process.kill(this.kafka.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    process.kill(this.kafka.pid, 'SIGCONT');
  }

  /** Both end, and their data with them. */
  async remove(): Promise<void> {
    await Promise.all([this.kafka.stop(), this.postgres.stop()]);
    for (const folder of [this.postgres.directory, this.folder]) rmSync(folder, { recursive: true, force: true });
  }
}
