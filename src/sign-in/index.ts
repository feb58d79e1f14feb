/** Who is at the browser: signing in at the issuer (OpenID Connect), and the sessions that follow from it. */
export { Issuer, type IssuerOptions } from './issuer';
export { IssuerAway } from './issuer.client';
export { SignInModule } from './sign-in.module';
export type { Purpose, SignedIn, SignInOutcome } from './sign-in.outcome';
export { SignIns } from './sign-ins';
