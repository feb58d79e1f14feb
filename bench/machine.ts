import { availableParallelism, totalmem } from 'node:os';
import { Client } from 'pg';

/** What the figures depend on; nothing that names the machine. */
export interface Machine {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  readonly postgres: string;
  readonly kafka: string;
  readonly fdatasyncMs: number;
}

/** A broker does not say its version: that of the embedded one is known, of another one nothing is. */
export async function machineFacts(databaseUrl: string, kafka: string, fdatasyncMs: number): Promise<Machine> {
  return {
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    postgres: await postgresVersion(databaseUrl),
    kafka,
    fdatasyncMs,
  };
}

async function postgresVersion(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string }>(`select current_setting('server_version') as version`);
    return rows[0]!.version;
  } finally {
    await client.end();
  }
}
