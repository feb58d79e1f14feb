import type { Database, Queries } from '../platform';

/** A grant as it is kept; the person sealed. */
export interface GrantRow {
  authorization_id: string;
  client_id: string;
  redirect_uri: string;
  provider: string;
  service_id: string;
  interface_version: string;
  granted_days: number;
  authorized_at: Date;
  correlation_id: string;
  sealed_person: Buffer;
  key_id: string;
  code_expires_at: Date;
  token_expires_at: Date | null;
  revoked_at: Date | null;
}

export type SealedGrant = Pick<GrantRow, 'authorization_id' | 'sealed_person' | 'key_id'>;

/** Grants by the hashes of their code and token. */
export class GrantStore {
  constructor(private readonly database: Database) {}

  /** @throws the database's error (23505) when this interaction has given a code before */
  async add(
    row: Omit<GrantRow, 'token_expires_at' | 'revoked_at'> & { code_hash: Buffer },
    queries: Queries = this.database,
  ): Promise<void> {
    await queries.query(
      'grant.add',
      `insert into access_grant (authorization_id, client_id, redirect_uri, provider, service_id, interface_version, granted_days,
         authorized_at, correlation_id, sealed_person, key_id, code_hash, code_expires_at, over_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
      [
        row.authorization_id,
        row.client_id,
        row.redirect_uri,
        row.provider,
        row.service_id,
        row.interface_version,
        row.granted_days,
        row.authorized_at,
        row.correlation_id,
        row.sealed_person,
        row.key_id,
        row.code_hash,
        row.code_expires_at,
      ],
    );
  }

  async byCode(codeHash: Buffer): Promise<GrantRow | undefined> {
    const [row] = await this.database.query<GrantRow>(
      'grant.by-code',
      `select ${columns} from access_grant where code_hash = $1`,
      [codeHash],
    );
    return row;
  }

  async byToken(tokenHash: Buffer): Promise<GrantRow | undefined> {
    const [row] = await this.database.query<GrantRow>(
      'grant.by-token',
      `select ${columns} from access_grant where token_hash = $1`,
      [tokenHash],
    );
    return row;
  }

  /** Gives the code its token; false when somebody was first. The row lock lets one of two at once win. */
  async exchange(authorizationId: string, tokenHash: Buffer, expiresAt: Date): Promise<boolean> {
    const rows = await this.database.query(
      'grant.exchange',
      `update access_grant set token_hash = $2, token_expires_at = $3, over_at = $3
       where authorization_id = $1 and token_hash is null returning 1`,
      [authorizationId, tokenHash, expiresAt],
    );
    return rows.length > 0;
  }

  async revoke(authorizationId: string, at: Date): Promise<void> {
    await this.database.query(
      'grant.revoke',
      'update access_grant set revoked_at = $2 where authorization_id = $1 and revoked_at is null',
      [authorizationId, at],
    );
  }

  /** Grants with the sealed person of each, by their ids, `limit` after `after`. */
  async sealedAfter(after: string, limit: number): Promise<SealedGrant[]> {
    return this.database.query<SealedGrant>(
      'grant.sealed-after',
      `select authorization_id, sealed_person, key_id from access_grant
       where authorization_id > $1 order by authorization_id limit $2`,
      [after, limit],
    );
  }

  async delete(authorizationIds: readonly string[]): Promise<void> {
    await this.database.query('grant.delete', 'delete from access_grant where authorization_id = any ($1)', [
      authorizationIds,
    ]);
  }

  /** Deletes at most `limit` rows whose code and token have both been over since `before`; returns how many. */
  async forget(before: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      'grant.forget',
      `delete from access_grant where authorization_id in
         (select authorization_id from access_grant where over_at <= $1 order by over_at limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    );
    return rows.length;
  }
}

const columns = `authorization_id, client_id, redirect_uri, provider, service_id, interface_version, granted_days, authorized_at,
  correlation_id, sealed_person, key_id, code_expires_at, token_expires_at, revoked_at`;
