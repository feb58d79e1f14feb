-- Resource changes that were taken in (contract.md 4): the same change again gets the same answer and tells nobody twice. Whom it is
-- about stands here as a keyed fingerprint only; rows are forgotten after a while (src/resource-changes).
create table resource_change (
  change_id     text primary key,
  fingerprint   bytea not null,
  -- Subscriptions that are told.
  notifications integer not null,
  received_at   timestamptz not null
);
create index resource_change_oldest on resource_change (received_at);
