-- The last good copy of each list that is fetched over the network: a process that starts while the publisher is away begins with
-- it, and an older publication never replaces it (domain.md 9).
create table list_copy (
  name       text primary key,
  sequence   bigint not null,
  -- The last successful check, also one that found nothing new.
  fetched_at timestamptz not null,
  content    bytea not null
);
