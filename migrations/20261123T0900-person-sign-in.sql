-- Who is at the browser. Both tables are small and short-lived: what is over is swept away (src/sign-in).

-- Sign-ins under way at the issuer. The two secrets that bind one to its browser are kept as hashes; nonce and code verifier are
-- of no use without the code that only comes with the right state.
create table sign_in (
  state_hash    bytea primary key,
  browser_hash  bytea not null,
  -- What the person signs in for: one authorization interaction, or the pages of one's own.
  purpose       text not null,
  continue_at   text not null,
  nonce         text not null,
  code_verifier text not null,
  started_at    timestamptz not null
);
create index sign_in_oldest on sign_in (started_at);

-- How sign-ins ended, each under the hash of a secret that the browser got with the answer and had not before.
create table person_session (
  session_hash  bytea primary key,
  purpose       text not null,
  outcome       text not null check (outcome in ('identified', 'failed', 'outage')),
  -- The subject, sealed as subjects are (domain.md 12).
  sealed_person bytea,
  key_id        text,
  signed_in_at  timestamptz not null,
  last_seen_at  timestamptz not null,
  check ((outcome = 'identified') = (sealed_person is not null) and (sealed_person is null) = (key_id is null))
);
create index person_session_oldest on person_session (signed_in_at);
