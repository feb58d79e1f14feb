import { AuthorizationsStore } from './authorizations.store'; // reported by @typescript-eslint/consistent-type-imports

type Status = 'active' | 'terminated' | 'expired';

export const saving = (store: AuthorizationsStore) => store.save({});

export function ended(status: Status) {
  switch (status) { // reported by @typescript-eslint/switch-exhaustiveness-check
    case 'active':
      return false;
    case 'terminated':
      return true;
  }
}
