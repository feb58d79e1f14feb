-- Persons who are to be erased, by their random ids: an order goes on after a crash. A row stays for a day after the identity is
-- gone, so that a subscription which was on its way meanwhile is found and ended too.
create table erasure (
  person_id uuid primary key,
  ordered_at timestamptz not null,
  correlation_id text not null,
  causation_id text not null,
  erased_at timestamptz
);

-- Interactions that still know whom they were shown to: the open ones and those of the last minute.
create index interaction_shown on interaction (interaction_id) where shown_to is not null;
