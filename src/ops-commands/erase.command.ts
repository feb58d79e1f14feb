import { text } from 'node:stream/consumers';
import { type OpsCommand, UsageWrong } from './command';
import { readWords } from './options';

/** A subject comes on standard input: what stands in the arguments is seen by everybody on the machine, and kept by shells. */
export const erase: OpsCommand = {
  takes: '--person_id <id> | --subject-on-stdin [--issuer <namespace>], and --yes',
  does: 'erases a person: ends all subscriptions and forgets who it was; this cannot be undone',
  async run({ api, screen, words }) {
    const { options, flags } = readWords(words, {
      options: ['person_id', 'issuer'],
      flags: ['subject-on-stdin', 'yes'],
      plainMax: 0,
    });
    const { person_id, issuer } = options;
    if ((person_id !== undefined) === flags['subject-on-stdin'])
      throw new UsageWrong('Either --person_id or --subject-on-stdin.');
    if (person_id !== undefined && issuer !== undefined) throw new UsageWrong('--issuer goes with --subject-on-stdin.');
    if (!flags.yes) throw new UsageWrong('It cannot be undone: --yes is needed.');
    const person =
      person_id !== undefined
        ? { person_id }
        : { subject: (await text(process.stdin)).replace(/\r?\n$/, ''), ...(issuer !== undefined && { issuer }) };
    const { person_id: erased, ended } = await api.post<{ person_id: string; ended: number }>('/persons/erase', person);
    screen.line(`Erased: ${erased}. ${ended} subscriptions ended.`);
    return true;
  },
};
