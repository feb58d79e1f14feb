import { type OpsCommand, UsageWrong } from './command';
import { readWords } from './options';

interface Replayed {
  matched: number;
  replayed: number;
}

/** Dead deliveries by when they were planned. First always dry; it goes on only when it is told to. */
export const replay: OpsCommand = {
  takes: '--since <moment> [--until <moment>] [--client_id <id>] --reason <text> [--yes]',
  does: 'says how many dead deliveries would go out again; with --yes they do',
  async run({ api, screen, words }) {
    const { options, flags } = readWords(words, {
      options: ['since', 'until', 'client_id', 'reason'],
      flags: ['yes'],
      plainMax: 0,
    });
    const { reason: reason_text, ...range } = options;
    if (range.since === undefined || reason_text === undefined)
      throw new UsageWrong('--since and --reason are needed.');
    const dry = await api.post<Replayed>('/deliveries/replay', { ...range, reason_text, dry_run: true });
    screen.line(
      `${dry.matched} dead deliveries, of which ${dry.replayed} can go out again; newer ones stand for the others.`,
    );
    if (!flags.yes) {
      screen.line('Nothing was changed. With --yes they go out.');
      return true;
    }
    const { replayed } = await api.post<Replayed>('/deliveries/replay', { ...range, reason_text });
    screen.line(`${replayed} go out again.`);
    return true;
  },
};
