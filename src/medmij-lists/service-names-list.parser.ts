import { listNamespace } from './list-document';
import type { ListParser, WholeList } from './list-parser';
import { displayText, identifier } from './list-values';

/** The service names list: display name by service id. */
export type ServiceNamesList = WholeList<string>;

/** Gegevensdienstnamenlijst release 1 (domain.md 9). */
export const serviceNamesListParser: ListParser<string> = {
  root: 'Gegevensdienstnamenlijst',
  namespaces: [listNamespace('gegevensdienstnamenlijst', 1)],
  container: 'Gegevensdiensten',
  entry: 'Gegevensdienst',
  read(element) {
    const keyElement = element.one('GegevensdienstId');
    return { key: identifier(keyElement), value: displayText(element.one('Weergavenaam')), keyElement };
  },
};
