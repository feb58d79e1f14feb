import { type Asked, type OpsCommand, UsageWrong } from './command';
import type { OpsPage } from './ops-api.client';
import { readWords } from './options';

/** Events and notifications of one subscription that are shown. */
const shownMax = '500';

export const show: OpsCommand = {
  takes: 'subscription|client <id> [--json]',
  does: 'one subscription with its events and notifications, or one client',
  async run(asked) {
    const { plain, flags } = readWords(asked.words, { flags: ['json'], plainMax: 2 });
    const [kind, id] = plain;
    if (id === undefined) throw new UsageWrong('An id is needed.');
    if (kind === 'subscription') return showSubscription(asked, id, flags.json ?? false);
    if (kind !== 'client') throw new UsageWrong(`There is no "${kind}" to show.`);
    const client = await asked.api.get<object>(`/clients/${encodeURIComponent(id)}`);
    if (flags.json) asked.screen.json([client]);
    else asked.screen.fields(client);
    return true;
  },
};

async function showSubscription({ api, screen }: Asked, id: string, isJson: boolean): Promise<boolean> {
  const path = `/subscriptions/${encodeURIComponent(id)}`;
  const item = await api.get<object>(path);
  const { items: events } = await api.get<OpsPage<object>>(`${path}/history`, { limit: shownMax });
  const { items: notifications } = await api.get<OpsPage<object>>(`${path}/notifications`, { limit: shownMax });
  if (isJson) {
    screen.json([{ ...item, events, notifications }]);
    return true;
  }
  screen.fields(item);
  screen.line();
  screen.table(events, ['version', 'occurred_at', 'type', 'correlation_id', 'event_id']);
  screen.line();
  screen.table(notifications, [
    'delivery_id',
    'notification_type',
    'state',
    'attempts',
    'due_at',
    'last_status',
    'last_error',
  ]);
  return true;
}
