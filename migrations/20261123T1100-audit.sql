-- The audit trail (docs/adr/0021): what operators did, and the steps that leave no row of their own elsewhere. Partitioned by the
-- month in which a line was written, so that what is old goes whole.

-- A sequence and not an identity column: partitioned tables have had those since PostgreSQL 17 only.
create sequence audit_line_no as bigint;

create table audit_line (
  written_at      timestamptz not null,
  -- Orders the lines of one moment.
  line_no         bigint not null default nextval('audit_line_no'),
  -- Something an operator did; otherwise a step of a request.
  is_operation    boolean not null,
  at              timestamptz not null,
  who             text not null,
  what            text not null,
  outcome         text not null,
  request_id      text,
  correlation_id  text,
  subscription_id text,
  client_id       text,
  reason_text     text,
  details         jsonb
) partition by range (written_at);
create index audit_line_request on audit_line (request_id, at, line_no) where request_id is not null;
create index audit_line_correlation on audit_line (correlation_id, at, line_no) where correlation_id is not null;
create index audit_line_operations on audit_line (at, line_no) where is_operation;
-- For a month whose partition nobody has made: then nothing stops, and the lines move once it is there.
create table audit_line_default partition of audit_line default;

-- What was destroyed because it had been kept for its time: kept for ever, for it says nothing about anybody.
create table destruction_record (
  record_no    bigint generated always as identity primary key,
  what         text not null,
  -- Of what lay between these moments, `to_moment` not included.
  from_moment  timestamptz not null,
  to_moment    timestamptz not null,
  row_count    bigint not null check (row_count >= 0),
  destroyed_at timestamptz not null
);
create index destruction_record_newest on destruction_record (destroyed_at, record_no);
