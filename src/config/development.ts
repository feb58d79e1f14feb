import { createHash } from 'node:crypto';

export const developmentIssuer = 'urn:medmij-subscriptions:dev';

/** Known to everybody who reads this file, and therefore refused in production. */
export const developmentPersonKey = createHash('sha256').update('medmij-subscriptions development person key').digest();

/** The sample persons' issuer (dev/sample-issuer), and how the service is known there: refused in production as well. */
export const developmentSignIn = { clientId: 'medmij-subscriptions', clientSecret: 'development-sign-in-secret' };
/** The same for the sample operators. */
export const developmentOperatorSignIn = {
  clientId: 'medmij-subscriptions-operators',
  clientSecret: 'development-operator-secret',
};
/** What the sample client shows instead of a certificate; as well known, and as refused. */
export const developmentClientSecret = 'development-only';
