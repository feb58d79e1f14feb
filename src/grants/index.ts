/** WHAT WAS GRANTED: codes, access tokens, which client brings them, and what they stand for (domain.md 4). */
export { AccessTokenGuard, asBearerError, grantedIn, invalidToken } from './access-token.guard';
export type { Consent, Granted } from './grant';
export { Grants } from './grants';
export { GrantsModule, type GrantsOptions } from './grants.module';
