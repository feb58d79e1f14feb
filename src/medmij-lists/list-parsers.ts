import { parseClientList } from './client-list.parser';
import type { ListReading } from './list-values';
import type { ParsedLists } from './lists';
import { parseProviderList } from './provider-list.parser';
import { parseServiceNamesList } from './service-names-list.parser';
import { parseWhitelist } from './whitelist.parser';

type Parsers = {
  [Name in keyof ParsedLists]: (bytes: Uint8Array, reading: ListReading) => Promise<ParsedLists[Name]>;
};

/** The parser of each list. @throws ListRefused */
export const parsers: Parsers = {
  providers: parseProviderList,
  clients: parseClientList,
  service_names: parseServiceNamesList,
  whitelist: parseWhitelist,
};
