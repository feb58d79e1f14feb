-- Operators at the operator page. Both tables are small and short-lived: what is over is deleted whenever somebody signs in
-- (src/ops-page). Apart from the sign-ins of persons: another issuer answers these, and an answer must never reach the other door.

create table operator_sign_in (
  state_hash    bytea primary key,
  browser_hash  bytea not null,
  -- The part of the page to come back to.
  continue_at   text not null,
  nonce         text not null,
  code_verifier text not null,
  started_at    timestamptz not null
);
create index operator_sign_in_oldest on operator_sign_in (started_at);

-- Each under the hash of a secret that only the browser has. The subject is an employee's and stands in the audit lines as well,
-- so it is not sealed.
create table operator_session (
  session_hash bytea primary key,
  subject      text not null,
  scopes       text[] not null,
  signed_in_at timestamptz not null,
  last_seen_at timestamptz not null
);
create index operator_session_oldest on operator_session (signed_in_at);
