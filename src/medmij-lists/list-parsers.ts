import { clientListParser } from './client-list.parser';
import type { ListParser } from './list-parser';
import type { ParsedLists } from './lists';
import { providerListParser } from './provider-list.parser';
import { serviceNamesListParser } from './service-names-list.parser';
import { whitelistParser } from './whitelist.parser';

type EntryOf<List> = List extends { entries: ReadonlyMap<string, infer Entry> } ? Entry : never;

/** The parser of each list. */
export const parsers: { [Name in keyof ParsedLists]: ListParser<EntryOf<ParsedLists[Name]>> } = {
  providers: providerListParser,
  clients: clientListParser,
  service_names: serviceNamesListParser,
  whitelist: whitelistParser,
};
