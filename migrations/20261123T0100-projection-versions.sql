-- The view of subscriptions gets versions: it lives in one of two slots, and a new version is built in the other one.
-- Each slot has a reader of the log of its own, `projection:<name>:<slot>`; see docs/adr/0010.
create table projection (
  name           text primary key,
  live_slot      smallint not null check (live_slot in (0, 1)),
  live_version   integer not null,
  -- What the other slot holds: the version before, or the one that is being built. Null when it holds nothing.
  other_version  integer,
  -- What is being done in the other slot; at the end of it the slots change places.
  task           text check (task in ('rebuild', 'switch_back')),
  -- Whether the slot has been emptied for the rebuild that was asked for.
  emptied        boolean not null default false,
  -- The comparison with a fresh fold: when it is due, and what the last one found.
  check_due_at   timestamptz not null default '-infinity',
  checked_at     timestamptz,
  differing      integer
);
insert into projection (name, live_slot, live_version) values ('subscriptions', 0, 1);
update log_reader set name = 'projection:subscriptions:0' where name = 'projection:subscriptions';

-- Takes an exclusive lock on the view for as long as it builds the new primary key.
alter table subscription_view rename to subscription_view_0;
alter table subscription_view_0 add column slot smallint not null default 0;
alter table subscription_view_0 drop constraint subscription_view_pkey;
alter table subscription_view_0 add primary key (slot, subscription_id);
alter index subscription_view_newest rename to subscription_view_0_newest;
alter index subscription_view_client rename to subscription_view_0_client;
alter index subscription_view_provider rename to subscription_view_0_provider;
alter index subscription_view_service rename to subscription_view_0_service;
alter index subscription_view_person rename to subscription_view_0_person;
alter index subscription_view_status rename to subscription_view_0_status;

create table subscription_view (like subscription_view_0 including constraints, primary key (slot, subscription_id))
  partition by list (slot);
alter table subscription_view_0 alter column slot drop default;
alter table subscription_view attach partition subscription_view_0 for values in (0);
create table subscription_view_1 partition of subscription_view for values in (1);
-- Each is made of the index that the first slot has already, and made anew for the second.
create index subscription_view_newest on subscription_view (started_at, subscription_id);
create index subscription_view_client on subscription_view (client_id, started_at, subscription_id);
create index subscription_view_provider on subscription_view (provider, service_id, started_at, subscription_id);
create index subscription_view_service on subscription_view (service_id, started_at, subscription_id);
create index subscription_view_person on subscription_view (person_id, started_at, subscription_id);
create index subscription_view_status on subscription_view (status, started_at, subscription_id);
