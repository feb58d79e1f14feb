import { listNamespace } from './list-document';
import type { ListParser, WholeList } from './list-parser';
import { hostName } from './list-values';

/** The whitelist: host names in lower case. Nothing but the name is said of a host. */
export type Whitelist = WholeList<true>;

/**
 * Whitelist release 2, in both shapes that occur: `MedMijNode/Hostname`, and the older one with the host name as
 * text of `MedMijNode` (domain.md 9).
 */
export const whitelistParser: ListParser<true> = {
  root: 'Whitelist',
  namespaces: [listNamespace('whitelist', 2)],
  container: 'MedMijNodes',
  entry: 'MedMijNode',
  read(node, reading) {
    const keyElement = node.hasElements() ? node.one('Hostname') : node;
    return { key: hostName(keyElement, reading), value: true, keyElement };
  },
};
