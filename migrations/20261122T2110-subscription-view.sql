-- What operators read: one row a subscription, written by the projector alone and built from the log at any time.
create table subscription_view (
  subscription_id   text primary key,
  stream_id         uuid not null,
  client_id         text not null,
  provider          text not null,
  service_id        text not null,
  person_id         uuid not null,
  status            text not null check (status in ('active', 'suspended', 'terminated', 'expired')),
  end_date          date not null,
  interface_version text not null,
  version           integer not null,
  started_at        timestamptz not null,
  updated_at        timestamptz not null,
  end_reason        text,
  suspended_by      text
);
-- Lists come newest first, a page after the last row of the one before; each filter has its own path through that order.
create index subscription_view_newest on subscription_view (started_at, subscription_id);
create index subscription_view_client on subscription_view (client_id, started_at, subscription_id);
create index subscription_view_provider on subscription_view (provider, service_id, started_at, subscription_id);
create index subscription_view_service on subscription_view (service_id, started_at, subscription_id);
create index subscription_view_person on subscription_view (person_id, started_at, subscription_id);
create index subscription_view_status on subscription_view (status, started_at, subscription_id);
