-- Streams that a reader of the log could not go on with: it skips them, from `version` on, until they are replayed.
create table parked_stream (
  id              uuid primary key default gen_random_uuid(),
  log             text not null,
  reader          text not null,
  stream_id       uuid not null,
  -- The first event that the reader has not applied.
  version         integer not null check (version > 0),
  position        text not null,
  error           text not null,
  tries           integer not null default 1,
  parked_at       timestamptz not null default clock_timestamp(),
  tried_at        timestamptz not null default clock_timestamp(),
  -- Set by an operator, cleared by whoever holds the reader's lease when it has tried.
  replay_asked_at timestamptz,
  unique (log, reader, stream_id)
);
create index parked_stream_newest on parked_stream (parked_at, id);
