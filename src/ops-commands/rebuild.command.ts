import { setTimeout as pause } from 'node:timers/promises';
import { type Asked, type OpsCommand, UsageWrong } from './command';
import { OpsFailed, type OpsPage } from './ops-api.client';
import { readWords } from './options';

interface Projection {
  name: string;
  version: number;
  lag_events: number;
  rebuild: { version: number; progress: number } | null;
}

const lookEveryMs = 500;
/** Without any progress for this long it is given up to wait; the work itself goes on in the service. */
const stalledAfterMs = 10 * 60_000;

export const rebuild: OpsCommand = {
  takes: '<projection> [--no-wait]',
  does: 'builds a projection anew beside the live one, and shows how far it is',
  run: (asked) => begin(asked, 'rebuild'),
};

export const switchBack: OpsCommand = {
  takes: '<projection> [--no-wait]',
  does: 'goes back to the version of a projection before the last rebuild',
  run: (asked) => begin(asked, 'switch-back'),
};

async function begin(asked: Asked, verb: 'rebuild' | 'switch-back'): Promise<boolean> {
  const { plain, flags } = readWords(asked.words, { flags: ['no-wait'], plainMax: 1 });
  const [name] = plain;
  if (name === undefined) throw new UsageWrong('Which projection?');
  const { rebuild: task } = await asked.api.post<Projection>(`/projections/${encodeURIComponent(name)}/${verb}`);
  if (flags['no-wait'] || task === null) {
    asked.screen.line(`Version ${task?.version ?? 'asked for'} of ${name} is under way.`);
    return true;
  }
  await watch(asked, name, task.version);
  asked.screen.line(`Version ${task.version} of ${name} is live.`);
  return true;
}

/** @throws OpsFailed when it comes to another end, or does not get on */
async function watch({ api, screen }: Asked, name: string, version: number): Promise<void> {
  let best = -1;
  for (let lookedFor = 0; lookedFor * lookEveryMs < stalledAfterMs; lookedFor += 1) {
    const { items } = await api.get<OpsPage<Projection>>('/projections');
    const state = items.find((one) => one.name === name);
    if (state?.version === version) {
      screen.progress(name, 1);
      return;
    }
    if (state?.rebuild?.version !== version)
      throw new OpsFailed(`Something else has taken the place of version ${version}.`);
    screen.progress(name, state.rebuild.progress);
    if (state.rebuild.progress > best) {
      best = state.rebuild.progress;
      lookedFor = 0;
    }
    await pause(lookEveryMs);
  }
  throw new OpsFailed(
    `Version ${version} does not get on; the service goes on trying. Look at the log for what fails.`,
  );
}
