import { Controller } from '@nestjs/common';
import { AuthorizationsStore } from './authorizations.store';

// Not reported: Nest finds what to inject by this import at run time, although TypeScript sees a type only.
@Controller()
export class AuthorizationsController {
  constructor(private readonly store: AuthorizationsStore) {}

  post(body: any) { // reported by @typescript-eslint/no-explicit-any
    this.store.save(body); // reported by @typescript-eslint/no-floating-promises
    [body].forEach(async (one) => this.store.save(one)); // reported by @typescript-eslint/no-misused-promises
  }
}
