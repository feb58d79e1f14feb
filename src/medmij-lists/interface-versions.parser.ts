import type { ListElement } from './list-document';
import { addOnce, identifier } from './list-values';

/** Something kept per interface version and, within it, per service id. */
export type ByVersionAndService<T> = ReadonlyMap<string, ReadonlyMap<string, T>>;

/**
 * The part that provider list and client list share (domain.md 9):
 * `Interfaceversies/Interfaceversie/{InterfaceversieId, Gegevensdiensten/Gegevensdienst/{GegevensdienstId, ...}}`.
 * An owner without it offers or can do nothing, which is valid.
 * @throws ListRefused
 */
export function readByVersionAndService<T>(
  owner: ListElement,
  readService: (service: ListElement, serviceId: string) => T,
): ByVersionAndService<T> {
  const versions = new Map<string, ReadonlyMap<string, T>>();
  for (const version of owner.optional('Interfaceversies')?.all('Interfaceversie') ?? []) {
    const services = new Map<string, T>();
    for (const service of version.optional('Gegevensdiensten')?.all('Gegevensdienst') ?? []) {
      const id = service.one('GegevensdienstId');
      const serviceId = identifier(id);
      addOnce(services, serviceId, readService(service, serviceId), id);
    }
    const versionId = version.one('InterfaceversieId');
    addOnce(versions, identifier(versionId), services, versionId);
  }
  return versions;
}
