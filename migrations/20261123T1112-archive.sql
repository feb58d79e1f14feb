-- The archive (docs/adr/0030): closed streams move here whole, to the month of their end, and go with that month.

-- The end of the stream an archived one had come to; its events stand in the archive under that moment. While it is set the stream's
-- last_epoch lies above every epoch, so that the order guard of the append functions refuses to write before it has been moved back.
alter table stream add column archived_end timestamptz;
create index stream_archived on stream (archived_end) where archived_end is not null;

-- Everything archived lies at or before this position: whoever reads the log from further on needs not look into the archive.
alter table log
  add column archived_epoch integer not null default 0,
  add column archived_xid xid8 not null default '0',
  add column archived_pos bigint not null default 0;

create table archived_event (
  epoch integer not null,
  xid xid8 not null,
  pos bigint not null,
  stream_id uuid not null,
  version integer not null,
  event_id uuid not null,
  type text not null,
  data jsonb not null,
  metadata jsonb not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  stream_end timestamptz not null,
  primary key (stream_id, version, stream_end)
) partition by range (stream_end);
create index archived_event_log_order on archived_event (epoch, xid, pos);
-- The audit trail reads events where they are, here too (20261123T1102).
create index archived_event_conversation on archived_event using hash ((metadata ->> 'correlation_id'));
create index archived_event_cause on archived_event using hash ((metadata ->> 'causation_id'));

-- Streams that came back because somebody wrote to them, so that those to which nothing was written are archived again.
create table returned_stream (
  stream_id uuid primary key,
  returned_at timestamptz not null default clock_timestamp()
);

-- What has been destroyed of a month that is not empty yet: the record of destruction is written when it is.
create table destruction_under_way (
  month date primary key,
  row_count bigint not null
);

-- Answers to requests are forgotten by age. They are written in its order, so a summary of each range of pages finds the old ones.
create index command_oldest on command using brin (recorded_at);

-- As before (20261123T0310), and for a stream without events in the log whether it is in the archive. The archive itself is not looked
-- into here: that would open all of its months at every call.
drop function read_streams;
create function read_streams(
  p_stream_ids uuid[], p_subject_hashes bytea[], p_previous_hashes bytea[],
  p_names1 text[], p_names2 text[], p_names3 text[], p_command_keys text[]
) returns table (
  item integer, person_id uuid, fingerprint bytea, answer jsonb, command_position text, is_archived boolean,
  epoch integer, xid text, pos text, stream_id uuid, version integer, event_id uuid, type text, data jsonb, metadata jsonb,
  occurred_at timestamptz, recorded_at timestamptz
) language plpgsql stable
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select i.n::integer, p.person_id, c.fingerprint, c.answer,
         (select log_position(a.epoch, a.xid, a.pos) from event a where a.stream_id = c.stream_id and a.version = c.version),
         case when e.version is null then (
           select s.archived_end is not null from stream s
           where s.stream_id = coalesce(i.stream_id, stream_id_of(p.person_id, i.name1, i.name2, i.name3))) end,
         e.epoch, e.xid::text, e.pos::text, e.stream_id, e.version, e.event_id, e.type, e.data, e.metadata,
         e.occurred_at, e.recorded_at
  from unnest(p_stream_ids, p_subject_hashes, p_previous_hashes, p_names1, p_names2, p_names3, p_command_keys)
         with ordinality as i (stream_id, subject_hash, previous_hash, name1, name2, name3, command_key, n)
  left join lateral (
    select o.person_id from person o where o.subject_hash in (i.subject_hash, i.previous_hash)
    order by o.subject_hash = i.subject_hash desc limit 1
  ) p on true
  left join command c on c.key = i.command_key
  left join lateral (
    select * from event v
    where v.stream_id = coalesce(i.stream_id, stream_id_of(p.person_id, i.name1, i.name2, i.name3))
    order by v.version
  ) e on true
  order by i.n, e.version;
end $$;
