-- Incoming Kafka records that were refused, kept beside the dead-letter topic so that operators can list and replay them; deleted
-- after seven days, as there (domain.md 12). The record itself holds a subject: it is sealed as subjects are.
create table dead_letter (
  -- Follows from the place and the content: a record that is refused again after a crash is the same dead letter.
  dead_letter_id uuid primary key,
  topic          text not null,
  partition      integer not null,
  record_offset  bigint not null,
  reason         text not null,
  detail         text not null,
  sealed_record  bytea not null,
  key_id         text not null,
  -- Whether it was too large to be kept whole, and so cannot be replayed.
  is_cut         boolean not null,
  created_at     timestamptz not null,
  replayed_at    timestamptz
);
create index dead_letter_newest on dead_letter (created_at, dead_letter_id);

-- How far each consumer has handled each partition, kept with the effects: a database that is set back to a copy reads again
-- what the copy does not have (docs/adr/0009).
create table consumer_offset (
  consumer    text not null,
  topic       text not null,
  partition   integer not null,
  -- Every record before this one is handled.
  next_offset bigint not null,
  primary key (consumer, topic, partition)
);
