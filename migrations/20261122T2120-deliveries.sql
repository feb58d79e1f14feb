-- Notifications to clients. One row an event that is to be told; its id is the event's, so that planning twice plans once.
create table delivery (
  delivery_id       uuid primary key,
  subscription_id   text not null,
  -- Order within the subscription: the version of the event in its stream.
  sequence          integer not null,
  client_id         text not null,
  service_id        text not null,
  interface_version text not null,
  notification_type text not null check (notification_type in ('subscription', 'resource')),
  end_date          date,
  correlation_id    text not null,
  state             text not null check (state in ('pending', 'sending', 'parked', 'delivered', 'dead', 'dropped')),
  attempts          integer not null default 0,
  due_at            timestamptz not null,
  created_at        timestamptz not null,
  deadline_at       timestamptz not null,
  last_attempt_at   timestamptz,
  last_status       integer,
  last_error        text,
  -- Who sends holds a lease; an outcome counts only under the fence of the latest one.
  fence             bigint not null default 0,
  lease_until       timestamptz
);
-- What is not finished: few rows, looked at all the time.
create index delivery_due on delivery (due_at) where state in ('pending', 'sending');
create index delivery_unfinished on delivery (subscription_id, sequence) where state in ('pending', 'sending', 'parked');
create index delivery_subscription on delivery (subscription_id, sequence);
create index delivery_newest on delivery (created_at, delivery_id);
create index delivery_client on delivery (client_id, created_at, delivery_id);
create index delivery_state on delivery (state, created_at, delivery_id);

-- What the client has been told of a subscription: whether it may not know the id yet (domain.md 6, the grace after a start).
create table notified_subscription (
  subscription_id text primary key,
  started_at      timestamptz not null,
  confirmed_at    timestamptz
);
