import { type OpsCommand, UsageWrong } from './command';
import { readWords } from './options';

const paths: Record<string, (id: string) => string> = {
  delivery: (id) => `/deliveries/${id}/retry`,
  'dead-letter': (id) => `/dead-letters/${id}/replay`,
  parked: (id) => `/parked/${id}/replay`,
};

/** One thing again. What cannot be is refused by the service, and nothing can go out twice by it: no dry run is needed. */
export const retry: OpsCommand = {
  takes: 'delivery|dead-letter|parked <id>',
  does: 'tries one dead delivery, refused incoming record or parked stream again',
  async run({ api, screen, words }) {
    const { plain } = readWords(words, { plainMax: 2 });
    const [kind = '', id] = plain;
    if (!Object.hasOwn(paths, kind) || id === undefined) throw new UsageWrong('What, and which one?');
    screen.fields(await api.post<object>(paths[kind]!(encodeURIComponent(id))));
    return true;
  },
};
