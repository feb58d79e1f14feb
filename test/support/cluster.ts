import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forgetfulSettings, startPostgres } from '../../dev/embedded/postgres';

export interface TestCluster {
  /** Its maintenance connection, for `createDatabase(url)`. */
  url: string;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL of its own, for tests that keep transactions open: the oldest running transaction holds back every reader of
 * the log in the whole cluster, and so the neighbours' tests.
 */
export async function startCluster(settings: Record<string, string> = {}): Promise<TestCluster> {
  const dataDir = mkdtempSync(join(tmpdir(), 'medmij-cluster-'));
  // PostgreSQL's own user must get through when root runs the tests.
  chmodSync(dataDir, 0o711);
  const server = await startPostgres({ dataDir, settings: { ...forgetfulSettings, ...settings } });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      for (const folder of [server.directory, dataDir]) rmSync(folder, { recursive: true, force: true });
    },
  };
}
