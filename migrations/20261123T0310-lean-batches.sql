-- Reading and appending in batches, with the same answers for less work (docs/performance.md).
--
-- Planner settings stand with the functions. Estimates for arrays make PostgreSQL plan such statements anew at each call, which
-- costs more than running them; a plan that is kept must be the one for a large table also where it was made on an empty one.

-- The streams of persons or ids, each event a row, one row for a stream without events, with the answer given under a command key.
-- Items are numbered from 1.
create function read_streams(
  p_stream_ids uuid[], p_subject_hashes bytea[], p_previous_hashes bytea[],
  p_names1 text[], p_names2 text[], p_names3 text[], p_command_keys text[]
) returns table (
  item integer, person_id uuid, fingerprint bytea, answer jsonb, command_position text,
  epoch integer, xid text, pos text, stream_id uuid, version integer, event_id uuid, type text, data jsonb, metadata jsonb,
  occurred_at timestamptz, recorded_at timestamptz
) language plpgsql stable
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select i.n::integer, p.person_id, c.fingerprint, c.answer,
         (select log_position(a.epoch, a.xid, a.pos) from event a where a.stream_id = c.stream_id and a.version = c.version),
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

-- As before (20261122T2100), in as few statements as it takes when nothing goes wrong. Rows are locked in the order of their
-- keys, table after table: streams that are there, persons, commands, new streams. What fails leaves no trace.
create or replace function append_events_batch(
  p_log text,
  p_subject_hashes bytea[], p_person_ids uuid[], p_sealed_subjects bytea[], p_key_ids text[],
  p_stream_ids uuid[], p_expected_versions integer[], p_due_on date[],
  p_command_keys text[], p_fingerprints bytea[], p_answers text[],
  p_metadata text[], p_occurred_at timestamptz[],
  p_event_items integer[], p_event_ids uuid[], p_types text[], p_data text[]
) returns table (item integer, failure text, "position" text) language plpgsql
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_epoch integer;
  v_xid xid8 := pg_current_xact_id();
  v_size integer := array_length(p_stream_ids, 1);
  v_events integer := coalesce(array_length(p_event_items, 1), 0);
  v_failures text[] := array_fill(null::text, array[v_size]);
  v_counts integer[] := array_fill(0, array[v_size]);
  v_versions integer[] := array_fill(0, array[v_events]);
  v_is_there boolean[] := array_fill(false, array[v_size]);
  v_positions text[] := array_fill(null::text, array[v_size]);
  v_prefix text;
  v_persons integer := 0;
  v_commands integer := 0;
  v_new integer := 0;
  v_made integer;
  v_made_keys text[];
  v_made_streams uuid[];
  v_cleanup integer[] := '{}';
  i integer;
  k integer;
  r record;
begin
  select l.epoch into strict v_epoch from log l where l.name = p_log;
  v_prefix := left(log_position(v_epoch, v_xid, 0), -16);

  for k in 1 .. v_events loop
    i := p_event_items[k];
    v_counts[i] := v_counts[i] + 1;
    v_versions[k] := p_expected_versions[i] + v_counts[i];
  end loop;

  -- A row at version 0 is one of a stream that never began.
  for r in
    select s.version, s.last_epoch, s.last_xid, g.n
    from unnest(p_stream_ids) with ordinality as g (id, n) join stream s on s.stream_id = g.id
    order by s.stream_id
    for update of s
  loop
    v_is_there[r.n] := true;
    if r.version <> p_expected_versions[r.n] then
      v_failures[r.n] := 'MM001';
    elsif v_counts[r.n] > 0 and (r.last_epoch, r.last_xid) > (v_epoch, v_xid) then
      v_failures[r.n] := 'MM002';
    end if;
  end loop;
  for i in 1 .. v_size loop
    if not v_is_there[i] and (p_expected_versions[i] > 0 or v_counts[i] = 0) then
      v_failures[i] := 'MM001';
    elsif v_failures[i] is null then
      if p_subject_hashes[i] is not null then v_persons := v_persons + 1; end if;
      if p_command_keys[i] is not null then v_commands := v_commands + 1; end if;
      if not v_is_there[i] then v_new := v_new + 1; end if;
    end if;
  end loop;

  -- Persons, then commands: whoever is first keeps the key; the other is told to read again.
  if v_persons > 0 then
    insert into person (subject_hash, person_id, sealed_subject, key_id)
    select g.hash, g.id, g.sealed, g.key_id
    from unnest(p_subject_hashes, p_person_ids, p_sealed_subjects, p_key_ids, p_command_keys, v_failures)
           as g (hash, id, sealed, key_id, command_key, failed)
    where g.hash is not null and g.failed is null
      -- An answered command must not make a person either.
      and not exists (select 1 from command c where c.key = g.command_key)
    order by g.hash
    on conflict (subject_hash) do nothing;
    get diagnostics v_made = row_count;
    if v_made < v_persons then
      for r in
        select g.n, g.key
        from unnest(p_subject_hashes, p_person_ids, p_command_keys, v_failures) with ordinality as g (hash, id, key, failed, n)
        where g.hash is not null and g.failed is null
          and not exists (select 1 from person p where p.subject_hash = g.hash and p.person_id = g.id)
      loop
        v_failures[r.n] := 'MM004';
        if r.key is not null then v_commands := v_commands - 1; end if;
        if not v_is_there[r.n] then v_new := v_new - 1; end if;
      end loop;
    end if;
  end if;

  if v_commands > 0 then
    with answered as (
      insert into command (key, fingerprint, answer, stream_id, version)
      select g.key, g.fingerprint, g.answer::jsonb, g.stream, g.expected + g.events
      from unnest(p_command_keys, p_fingerprints, p_answers, p_stream_ids, p_expected_versions, v_counts, v_failures)
             as g (key, fingerprint, answer, stream, expected, events, failed)
      where g.key is not null and g.failed is null
      order by g.key
      on conflict (key) do nothing
      returning command.key
    )
    select count(*), array_agg(answered.key) into v_made, v_made_keys from answered;
    if v_made < v_commands then
      for i in 1 .. v_size loop
        if v_failures[i] is null and not coalesce(p_command_keys[i] = any (v_made_keys), p_command_keys[i] is null) then
          v_failures[i] := 'MM003';
          v_cleanup := v_cleanup || i;
          if not v_is_there[i] then v_new := v_new - 1; end if;
        end if;
      end loop;
    end if;
  end if;

  if v_new > 0 then
    with begun as (
      insert into stream (stream_id, version, last_epoch, last_xid, due_on)
      select g.id, g.events, v_epoch, v_xid, g.due
      from unnest(p_stream_ids, v_counts, p_due_on, v_is_there, v_failures) as g (id, events, due, is_there, failed)
      where g.failed is null and not g.is_there
      order by g.id
      on conflict (stream_id) do nothing
      returning stream.stream_id
    )
    select count(*), array_agg(begun.stream_id) into v_made, v_made_streams from begun;
    if v_made < v_new then
      -- Somebody began the stream after we had looked for it.
      for i in 1 .. v_size loop
        if v_failures[i] is null and not v_is_there[i] and not (p_stream_ids[i] = any (coalesce(v_made_streams, '{}'))) then
          v_failures[i] := 'MM001';
          v_cleanup := v_cleanup || i;
          delete from command c where c.key = p_command_keys[i];
        end if;
      end loop;
    end if;
  end if;
  foreach i in array v_cleanup loop
    delete from person p where p.subject_hash = p_subject_hashes[i] and p.person_id = p_person_ids[i];
  end loop;

  if true = any (v_is_there) then
    update stream s
    set version = g.expected + g.events, last_epoch = v_epoch, last_xid = v_xid, due_on = g.due
    from unnest(p_stream_ids, p_expected_versions, v_counts, p_due_on, v_is_there, v_failures)
           as g (id, expected, events, due, is_there, failed)
    where s.stream_id = g.id and g.is_there and g.failed is null and g.events > 0;
  end if;

  -- Rows come back in the order in which they went in, so the last one of an item has its highest position.
  k := 0;
  for r in
    insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
    select v_epoch, v_xid, p_stream_ids[g.item], g.version, g.event_id, g.type, g.data::jsonb, p_metadata[g.item]::jsonb,
           p_occurred_at[g.item]
    from unnest(p_event_items, v_versions, p_event_ids, p_types, p_data) with ordinality as g (item, version, event_id, type, data, n)
    where v_failures[g.item] is null
    order by g.n
    returning event.event_id, event.pos
  loop
    loop
      k := k + 1;
      i := p_event_items[k];
      exit when v_failures[i] is null;
    end loop;
    if r.event_id <> p_event_ids[k] then
      raise exception 'events came back in another order than they went in';
    end if;
    v_positions[i] := v_prefix || lpad(to_hex(r.pos), 16, '0');
  end loop;
  if 0 = any (v_counts) then
    for i in 1 .. v_size loop
      if v_failures[i] is null and v_counts[i] = 0 then
        v_positions[i] := (
          select log_position(e.epoch, e.xid, e.pos) from event e
          where e.stream_id = p_stream_ids[i] and e.version = p_expected_versions[i]);
      end if;
    end loop;
  end if;

  return query
  select g.n::integer, g.failure, g.place from unnest(v_failures, v_positions) with ordinality as g (failure, place, n);
end $$;
