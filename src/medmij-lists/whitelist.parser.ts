import { listNamespace, readListDocument } from './list-document';
import { hostName, type ListHeader, listHeader, type ListReading } from './list-values';

/** The whitelist: host names in lower case. */
export interface Whitelist extends ListHeader {
  entries: ReadonlySet<string>;
}

const shape = { root: 'Whitelist', namespaces: [listNamespace('whitelist', 2)] };

/**
 * Whitelist release 2, in both shapes that occur: `MedMijNode/Hostname`, and the older one with the host name as
 * text of `MedMijNode` (domain.md 9).
 * @throws ListRefused
 */
export function parseWhitelist(bytes: Uint8Array, reading: ListReading): Promise<Whitelist> {
  return readListDocument(bytes, shape, async (root) => {
    const header = listHeader(root);
    const entries = new Set<string>();
    const nodes = root.one('MedMijNodes');
    const count = await nodes.eachEntry('MedMijNode', (node) => {
      const element = node.hasElements() ? node.one('Hostname') : node;
      const host = hostName(element, reading);
      if (entries.has(host)) element.refuse(`"${host}" is listed twice`);
      entries.add(host);
    });
    if (count === 0) nodes.refuse('the list is empty');
    return { ...header, entries };
  });
}
