-- What persons consented to through our own authorization interface, until its code and its token are over (domain.md 4).
-- Code and token stand here as their SHA-256 only; the person as a sealed subject, for the row in person is made when the grant is
-- taken up.
create table access_grant (
  -- The interaction it came from: one interaction gives one code.
  authorization_id  uuid primary key,
  client_id         text not null,
  redirect_uri      text not null,
  provider          text not null,
  service_id        text not null,
  interface_version text not null,
  granted_days      integer not null check (granted_days >= 0),
  authorized_at     timestamptz not null,
  correlation_id    text not null,
  sealed_person     bytea not null,
  key_id            text not null,
  code_hash         bytea not null unique,
  code_expires_at   timestamptz not null,
  -- Set together, once: the code was exchanged for this token.
  token_hash        bytea unique,
  token_expires_at  timestamptz,
  -- The code was presented again: its token is not believed any more.
  revoked_at        timestamptz,
  -- When neither code nor token lives any more; a while later the row goes.
  over_at           timestamptz not null,
  check ((token_hash is null) = (token_expires_at is null))
);
create index access_grant_over on access_grant (over_at);
