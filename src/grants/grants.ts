import { createHash, randomUUID } from 'node:crypto';
import { formatScope } from '../authorization-checks';
import type { SuspendedClients } from '../clients';
import { isSamePerson, type KnownSubject, type PersonalSeal, type PersonHolder } from '../persons';
import type { Clock, Queries } from '../platform';
import {
  type Consent,
  faultOf,
  type Granted,
  type GrantingPerson,
  type KeptGrant,
  lifeS,
  type Presented,
  type TokenFault,
} from './grant';
import type { GrantRow, GrantStore, SealedGrant } from './grant.store';
import { TokenRefused } from './token-refusal';

/** Grants unsealed at a time to find those of one person: they live for minutes, so there are not many pages. */
const unsealedMax = 500;
const beforeAll = '00000000-0000-0000-0000-000000000000';

/** What a client gets for its code (RFC 6749 section 5.1). */
export interface IssuedToken {
  authorizationId: string;
  accessToken: string;
  expiresInS: number;
  /** With the days granted (ext.abo.tknint.200). */
  scope: string;
}

/** What was granted: the code for it, the token for the code, and what a token stands for (domain.md 4). */
export class Grants implements PersonHolder {
  constructor(
    private readonly store: GrantStore,
    private readonly seal: PersonalSeal,
    private readonly suspendedClients: Pick<SuspendedClients, 'has'>,
    private readonly clock: Clock,
  ) {}

  /**
   * The code for what a person has just confirmed: a UUID, good for 900 s. One consent gives one code.
   * @param queries the transaction in which the confirmation is recorded
   */
  async issueCode(consent: Consent, queries?: Queries): Promise<string> {
    const code = randomUUID();
    const { subject, issuer } = consent.person;
    const plain = Buffer.from(JSON.stringify({ subject, issuer } satisfies GrantingPerson));
    const { sealed, keyId } = this.seal.seal(plain, consent.authorizationId);
    const row = {
      authorization_id: consent.authorizationId,
      client_id: consent.clientId,
      redirect_uri: consent.redirectUri,
      provider: consent.provider,
      service_id: consent.serviceId,
      interface_version: consent.interfaceVersion,
      granted_days: consent.grantedDays,
      authorized_at: consent.authorizedAt,
      correlation_id: consent.correlationId,
      sealed_person: sealed,
      key_id: keyId,
      code_hash: hashOf(code),
      code_expires_at: this.inOneLife(),
    };
    await this.store.add(row, queries);
    return code;
  }

  /**
   * The token for a code, once. A code that is presented again is refused, and the token it gave is revoked; the subscription
   * stays as it is. A suspended client gets none, and its code stays good for when it is resumed; the token of an ending it does
   * get, for that is never refused (domain.md 5).
   * @throws TokenRefused
   */
  async exchange(presented: Presented): Promise<IssuedToken> {
    const row = isOpaque(presented.code) ? await this.store.byCode(hashOf(presented.code)) : undefined;
    if ((row === undefined || row.granted_days > 0) && this.suspendedClients.has(presented.clientId)) {
      throw new TokenRefused('unauthorized_client', undefined, 'suspended');
    }
    const fault = faultOf(row && keptIn(row), presented, this.clock.now());
    if (fault === 'other_correlation_id') {
      throw new TokenRefused('invalid_request', 'X-Correlation-ID is not that of the authorization request.', fault);
    }
    if (fault === 'other_scope') throw new TokenRefused('invalid_scope', undefined, fault);
    if (fault !== undefined && fault !== 'presented_again') throw new TokenRefused('invalid_grant', undefined, fault);
    const grant = row!;
    const accessToken = randomUUID();
    const isFirst =
      fault === undefined && (await this.store.exchange(grant.authorization_id, hashOf(accessToken), this.inOneLife()));
    if (!isFirst) {
      await this.store.revoke(grant.authorization_id, this.clock.now());
      throw new TokenRefused('invalid_grant', undefined, 'presented_again');
    }
    return {
      authorizationId: grant.authorization_id,
      accessToken,
      expiresInS: lifeS,
      scope: scopeOf(grant),
    };
  }

  /** What a token stands for, or why it is not believed. */
  async ofToken(token: string): Promise<Granted | TokenFault> {
    const row = isOpaque(token) ? await this.store.byToken(hashOf(token)) : undefined;
    if (!row) return 'unknown';
    if (row.revoked_at) return 'revoked';
    if (row.token_expires_at! <= this.clock.now()) return 'expired';
    const person = this.personOf(row);
    return person ? grantedIn(row, person) : 'unreadable';
  }

  /** Deletes what this person has granted: its codes and tokens are unknown then. The table itself does not say whose they are. */
  async forgetPerson(person: KnownSubject): Promise<void> {
    let after = beforeAll;
    for (let isMore = true; isMore;) {
      const page = await this.store.sealedAfter(after, unsealedMax);
      const theirs = page.filter((row) => {
        const granting = this.personOf(row);
        return granting !== undefined && isSamePerson(person, granting);
      });
      if (theirs.length > 0) await this.store.delete(theirs.map((row) => row.authorization_id));
      isMore = page.length === unsealedMax;
      after = page.at(-1)?.authorization_id ?? after;
    }
  }

  /** Undefined when the key of the seal is gone. */
  private personOf({ sealed_person: sealed, key_id: keyId, authorization_id: id }: SealedGrant) {
    const plain = this.seal.open({ sealed, keyId }, id);
    return plain && (JSON.parse(plain.toString()) as GrantingPerson);
  }

  private inOneLife(): Date {
    return new Date(this.clock.now().getTime() + lifeS * 1_000);
  }
}

/**
 * Plain, for there is nothing to try out: a code or token is 122 random bits, unlike a subject, which needs a key. A key would only
 * have to be rotated with everything that lives.
 */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Nothing else was ever issued. */
function isOpaque(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

function scopeOf({ granted_days: days, provider, service_id: serviceId }: GrantRow): string {
  return formatScope({ days, provider, serviceId });
}

function keptIn(row: GrantRow): KeptGrant {
  return {
    clientId: row.client_id,
    redirectUri: row.redirect_uri,
    correlationId: row.correlation_id,
    scope: scopeOf(row),
    codeExpiresAt: row.code_expires_at,
    isExchanged: row.token_expires_at !== null,
  };
}

function grantedIn(row: GrantRow, person: GrantingPerson): Granted {
  return {
    authorizationId: row.authorization_id,
    clientId: row.client_id,
    person,
    provider: row.provider,
    serviceId: row.service_id,
    interfaceVersion: row.interface_version,
    grantedDays: row.granted_days,
    authorizedAt: row.authorized_at,
  };
}
