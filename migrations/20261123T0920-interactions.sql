-- Authorization requests on their way: from the landing page to the answer that the browser takes back to the client. Of the
-- person there is a keyed fingerprint only, of one interaction's own.
create table interaction (
  interaction_id    uuid primary key,
  client_id         text not null,
  provider          text not null,
  service_id        text not null,
  interface_version text not null,
  days              integer not null,
  request_id        text not null,
  correlation_id    text not null,
  created_at        timestamptz not null,
  expires_at        timestamptz not null,
  -- Who was shown the statement: only that person may answer it.
  shown_to          bytea,
  -- The person said yes; from here on nothing else can become of it than granted or failed.
  decided_at        timestamptz,
  outcome           text check (outcome in ('granted', 'refused', 'cancelled', 'failed', 'abandoned')),
  -- The published number, where there is one.
  exception         text,
  ended_at          timestamptz,
  -- When the browser went back to the client with the answer.
  left_at           timestamptz,
  -- The redirect with the code, for the repeat of a double click; removed soon after.
  sealed_answer     bytea,
  answer_key_id     text,
  check ((outcome is null) = (ended_at is null))
);
create index interaction_newest on interaction (created_at, interaction_id);
create index interaction_outcome on interaction (outcome, created_at, interaction_id);
create index interaction_open on interaction (expires_at) where outcome is null;
create index interaction_answered on interaction (ended_at) where sealed_answer is not null;

-- Clients that may not ask for new subscriptions for the time being (domain.md 11); whoever watches their identity writes here.
create table suspended_client (
  client_id    text primary key,
  suspended_at timestamptz not null
);
