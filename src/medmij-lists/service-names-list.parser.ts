import { listNamespace, readListDocument } from './list-document';
import { addOnce, displayText, identifier, type ListHeader, listHeader } from './list-values';

/** The service names list: display name by service id. */
export interface ServiceNamesList extends ListHeader {
  entries: ReadonlyMap<string, string>;
}

const shape = { root: 'Gegevensdienstnamenlijst', namespaces: [listNamespace('gegevensdienstnamenlijst', 1)] };

/**
 * Gegevensdienstnamenlijst release 1 (domain.md 9).
 * @throws ListRefused
 */
export function parseServiceNamesList(bytes: Uint8Array): Promise<ServiceNamesList> {
  return readListDocument(bytes, shape, async (root) => {
    const header = listHeader(root);
    const entries = new Map<string, string>();
    const services = root.one('Gegevensdiensten');
    const count = await services.eachEntry('Gegevensdienst', (element) => {
      const id = element.one('GegevensdienstId');
      addOnce(entries, identifier(id), displayText(element.one('Weergavenaam')), id);
    });
    if (count === 0) services.refuse('the list is empty');
    return { ...header, entries };
  });
}
