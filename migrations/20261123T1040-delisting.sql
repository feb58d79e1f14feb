-- Clients that have left the client list and services that are withdrawn, while subscriptions depend on them (domain.md 8).
-- What is done about each of them goes in phases; see docs/adr/0020.
create table delisting (
  kind       text not null check (kind in ('client', 'service')),
  -- The client id, or the provider.
  name       text not null,
  -- Empty for a client.
  service_id text not null,
  since      timestamptz not null,
  phase      text not null check (phase in ('suspending', 'resting', 'ending', 'ended', 'resuming')),
  primary key (kind, name, service_id)
);
