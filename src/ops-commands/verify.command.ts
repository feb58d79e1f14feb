import type { Asked, OpsCommand } from './command';
import type { OpsPage } from './ops-api.client';
import { readWords } from './options';

interface Comparison {
  version: number;
  checked: number;
  differing: { subscription_id: string; problem: string; fields: string[] }[];
}

interface Published {
  checked: number;
  missing: { event_id: string; topic: string }[];
}

export const verify: OpsCommand = {
  takes: '',
  does: 'compares the log with every projection (a sample) and with Kafka (the newest events)',
  async run(asked) {
    readWords(asked.words, { plainMax: 0 });
    const projections = await compareProjections(asked);
    const published = await comparePublished(asked);
    return projections && published;
  },
};

async function compareProjections({ api, screen }: Asked): Promise<boolean> {
  const { items } = await api.get<OpsPage<{ name: string }>>('/projections');
  let isWell = true;
  for (const [done, { name }] of items.entries()) {
    screen.progress('projections', done / items.length);
    const { version, checked, differing } = await api.post<Comparison>(`/projections/${name}/verify`);
    screen.progress('projections', (done + 1) / items.length);
    screen.line(
      `${name} (version ${version}): ${checked} subscriptions compared with the log, ${differing.length} differ.`,
    );
    screen.table(differing, differing.length > 0 ? ['subscription_id', 'problem', 'fields'] : []);
    isWell &&= differing.length === 0;
  }
  return isWell;
}

async function comparePublished({ api, screen }: Asked): Promise<boolean> {
  const { checked, missing } = await api.post<Published>('/relay/verify');
  screen.line(`Kafka: ${checked} published events of the log looked for, ${missing.length} missing.`);
  if (missing.length > 0) screen.table(missing, ['event_id', 'topic']);
  return missing.length === 0;
}
