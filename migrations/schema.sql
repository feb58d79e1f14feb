-- The schema after all migrations, written from the catalog by "npm run schema:dump". For reading: nothing runs it.

create table access_grant (
  authorization_id uuid not null,
  client_id text not null,
  redirect_uri text not null,
  provider text not null,
  service_id text not null,
  interface_version text not null,
  granted_days integer not null,
  authorized_at timestamp with time zone not null,
  correlation_id text not null,
  sealed_person bytea not null,
  key_id text not null,
  code_hash bytea not null,
  code_expires_at timestamp with time zone not null,
  token_hash bytea,
  token_expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  over_at timestamp with time zone not null,
  constraint access_grant_pkey PRIMARY KEY (authorization_id),
  constraint access_grant_check CHECK (((token_hash IS NULL) = (token_expires_at IS NULL))),
  constraint access_grant_code_hash_key UNIQUE (code_hash),
  constraint access_grant_granted_days_check CHECK ((granted_days >= 0)),
  constraint access_grant_token_hash_key UNIQUE (token_hash)
);

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
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  stream_end timestamp with time zone not null,
  constraint archived_event_pkey PRIMARY KEY (stream_id, version, stream_end)
) partition by RANGE (stream_end);

create table audit_line (
  written_at timestamp with time zone not null,
  line_no bigint not null default nextval('audit_line_no'::regclass),
  is_operation boolean not null,
  at timestamp with time zone not null,
  who text not null,
  what text not null,
  outcome text not null,
  request_id text,
  correlation_id text,
  subscription_id text,
  client_id text,
  reason_text text,
  details jsonb
) partition by RANGE (written_at);

create table command (
  key text not null,
  fingerprint bytea not null,
  answer jsonb not null,
  stream_id uuid not null,
  version integer not null,
  recorded_at timestamp with time zone not null default clock_timestamp(),
  constraint command_pkey PRIMARY KEY (key)
);

create table consumer_offset (
  consumer text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null,
  constraint consumer_offset_pkey PRIMARY KEY (consumer, topic, partition)
);

create table dead_letter (
  dead_letter_id uuid not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  reason text not null,
  detail text not null,
  sealed_record bytea not null,
  key_id text not null,
  is_cut boolean not null,
  created_at timestamp with time zone not null,
  replayed_at timestamp with time zone,
  constraint dead_letter_pkey PRIMARY KEY (dead_letter_id)
);

create table delisting (
  kind text not null,
  name text not null,
  service_id text not null,
  since timestamp with time zone not null,
  phase text not null,
  constraint delisting_pkey PRIMARY KEY (kind, name, service_id),
  constraint delisting_kind_check CHECK ((kind = ANY (ARRAY['client'::text, 'service'::text]))),
  constraint delisting_phase_check CHECK ((phase = ANY (ARRAY['suspending'::text, 'resting'::text, 'ending'::text, 'ended'::text, 'resuming'::text])))
);

create table delivery (
  delivery_id uuid not null,
  subscription_id text not null,
  sequence integer not null,
  client_id text not null,
  service_id text not null,
  interface_version text not null,
  notification_type text not null,
  end_date date,
  correlation_id text not null,
  state text not null,
  attempts integer not null default 0,
  due_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  deadline_at timestamp with time zone not null,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_error text,
  fence bigint not null default 0,
  lease_until timestamp with time zone,
  provider text,
  person_id uuid,
  endpoint_id integer not null,
  first_due_at timestamp with time zone not null,
  tried boolean generated always as ((attempts > 0)) stored,
  traceparent text,
  constraint delivery_pkey PRIMARY KEY (delivery_id),
  constraint delivery_notification_type_check CHECK ((notification_type = ANY (ARRAY['subscription'::text, 'resource'::text]))),
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'parked'::text])))
);

create table delivery_attempt (
  written_at timestamp with time zone not null default clock_timestamp(),
  delivery_id uuid not null,
  attempt integer not null,
  at timestamp with time zone,
  status integer,
  error text,
  duration_ms integer,
  outcome text not null,
  subscription_id text not null,
  sequence integer not null,
  client_id text not null,
  service_id text not null,
  interface_version text not null,
  provider text,
  person_id uuid,
  notification_type text not null,
  end_date date,
  correlation_id text not null,
  due_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  deadline_at timestamp with time zone not null,
  fence bigint not null,
  constraint delivery_attempt_outcome_check CHECK ((outcome = ANY (ARRAY['retry'::text, 'delivered'::text, 'dead'::text, 'dropped'::text])))
) partition by RANGE (written_at);

create table delivery_ledger (
  hour timestamp with time zone not null,
  client_id text not null,
  notification_type text not null,
  planned bigint not null,
  constraint delivery_ledger_notification_type_check CHECK ((notification_type = ANY (ARRAY['subscription'::text, 'resource'::text])))
);

create table destruction_record (
  record_no bigint not null generated always as identity,
  what text not null,
  from_moment timestamp with time zone not null,
  to_moment timestamp with time zone not null,
  row_count bigint not null,
  destroyed_at timestamp with time zone not null,
  constraint destruction_record_pkey PRIMARY KEY (record_no),
  constraint destruction_record_row_count_check CHECK ((row_count >= 0))
);

create table destruction_under_way (
  month date not null,
  row_count bigint not null,
  constraint destruction_under_way_pkey PRIMARY KEY (month)
);

create table erasure (
  person_id uuid not null,
  ordered_at timestamp with time zone not null,
  correlation_id text not null,
  causation_id text not null,
  erased_at timestamp with time zone,
  constraint erasure_pkey PRIMARY KEY (person_id)
);

create table event (
  epoch integer not null,
  xid xid8 not null,
  pos bigint not null generated always as identity,
  stream_id uuid not null,
  version integer not null,
  event_id uuid not null,
  type text not null,
  data jsonb not null,
  metadata jsonb not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null default clock_timestamp(),
  constraint event_pkey PRIMARY KEY (stream_id, version),
  constraint event_version_check CHECK ((version > 0))
);

create table interaction (
  interaction_id uuid not null,
  client_id text not null,
  provider text not null,
  service_id text not null,
  interface_version text not null,
  days integer not null,
  request_id text not null,
  correlation_id text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  shown_to bytea,
  decided_at timestamp with time zone,
  outcome text,
  exception text,
  ended_at timestamp with time zone,
  left_at timestamp with time zone,
  sealed_answer bytea,
  answer_key_id text,
  constraint interaction_pkey PRIMARY KEY (interaction_id),
  constraint interaction_check CHECK (((outcome IS NULL) = (ended_at IS NULL))),
  constraint interaction_outcome_check CHECK ((outcome = ANY (ARRAY['granted'::text, 'refused'::text, 'cancelled'::text, 'failed'::text, 'abandoned'::text])))
);

create table left_person (
  person_id uuid not null,
  constraint left_person_pkey PRIMARY KEY (person_id)
);

create table list_copy (
  name text not null,
  sequence bigint not null,
  fetched_at timestamp with time zone not null,
  content bytea not null,
  constraint list_copy_pkey PRIMARY KEY (name)
);

create table log (
  name text not null,
  epoch integer not null,
  archived_epoch integer not null default 0,
  archived_xid xid8 not null default '0'::xid8,
  archived_pos bigint not null default 0,
  constraint log_pkey PRIMARY KEY (name),
  constraint log_epoch_check CHECK ((epoch > 0))
);

create table log_reader (
  log text not null,
  name text not null,
  owner text not null default ''::text,
  fence bigint not null default 0,
  lease_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  epoch integer not null default 0,
  xid xid8 not null default '0'::xid8,
  pos bigint not null default 0,
  moved_at timestamp with time zone not null default clock_timestamp(),
  constraint log_reader_pkey PRIMARY KEY (log, name)
);

create table migration (
  id integer not null default nextval('migration_id_seq'::regclass),
  "timestamp" bigint not null,
  name character varying not null,
  constraint "PK_3043fc6b8af7c99b8b98830094f" PRIMARY KEY (id)
);

create table notification_endpoint (
  endpoint_id integer not null generated always as identity,
  client_id text not null,
  service_id text not null,
  interface_version text not null,
  notification_type text not null,
  failures integer not null default 0,
  held_until timestamp with time zone,
  resumed_at timestamp with time zone,
  paced_until timestamp with time zone,
  failing_since timestamp with time zone,
  failed_at timestamp with time zone,
  warned_at timestamp with time zone,
  constraint notification_endpoint_pkey PRIMARY KEY (endpoint_id),
  constraint notification_endpoint_client_id_service_id_interface_versio_key UNIQUE (client_id, service_id, interface_version, notification_type),
  constraint notification_endpoint_notification_type_check CHECK ((notification_type = ANY (ARRAY['subscription'::text, 'resource'::text])))
);

create table notified_subscription (
  subscription_id text not null,
  started_at timestamp with time zone,
  confirmed_at timestamp with time zone,
  planned_sequence integer not null default 0,
  told_sequence integer not null default 0,
  resource_planned_at timestamp with time zone,
  status text not null default 'active'::text,
  constraint notified_subscription_pkey PRIMARY KEY (subscription_id),
  constraint notified_subscription_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'ended'::text])))
);

create table operator_session (
  session_hash bytea not null,
  subject text not null,
  scopes text[] not null,
  signed_in_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  constraint operator_session_pkey PRIMARY KEY (session_hash)
);

create table operator_sign_in (
  state_hash bytea not null,
  browser_hash bytea not null,
  continue_at text not null,
  nonce text not null,
  code_verifier text not null,
  started_at timestamp with time zone not null,
  constraint operator_sign_in_pkey PRIMARY KEY (state_hash)
);

create table parked_client (
  client_id text not null,
  since timestamp with time zone not null,
  constraint parked_client_pkey PRIMARY KEY (client_id)
);

create table parked_stream (
  id uuid not null default gen_random_uuid(),
  log text not null,
  reader text not null,
  stream_id uuid not null,
  version integer not null,
  "position" text not null,
  error text not null,
  tries integer not null default 1,
  parked_at timestamp with time zone not null default clock_timestamp(),
  tried_at timestamp with time zone not null default clock_timestamp(),
  replay_asked_at timestamp with time zone,
  constraint parked_stream_pkey PRIMARY KEY (id),
  constraint parked_stream_log_reader_stream_id_key UNIQUE (log, reader, stream_id),
  constraint parked_stream_version_check CHECK ((version > 0))
);

create table person (
  subject_hash bytea not null,
  person_id uuid not null,
  sealed_subject bytea not null,
  key_id text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  constraint person_pkey PRIMARY KEY (subject_hash),
  constraint person_person_id_key UNIQUE (person_id)
);

create table person_key_move (
  to_key text not null,
  from_key text not null,
  began_at timestamp with time zone not null,
  walked_to uuid not null default '00000000-0000-0000-0000-000000000000'::uuid,
  moved bigint not null default 0,
  moved_in_walk integer not null default 0,
  left_in_walk integer not null default 0,
  left_behind integer not null default 0,
  finished_at timestamp with time zone,
  constraint person_key_move_pkey PRIMARY KEY (to_key)
);

create table person_session (
  session_hash bytea not null,
  purpose text not null,
  outcome text not null,
  sealed_person bytea,
  key_id text,
  signed_in_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  constraint person_session_pkey PRIMARY KEY (session_hash),
  constraint person_session_check CHECK ((((outcome = 'identified'::text) = (sealed_person IS NOT NULL)) AND ((sealed_person IS NULL) = (key_id IS NULL)))),
  constraint person_session_outcome_check CHECK ((outcome = ANY (ARRAY['identified'::text, 'failed'::text, 'outage'::text])))
);

create table projection (
  name text not null,
  live_slot smallint not null,
  live_version integer not null,
  other_version integer,
  task text,
  emptied boolean not null default false,
  check_due_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  checked_at timestamp with time zone,
  differing integer,
  constraint projection_pkey PRIMARY KEY (name),
  constraint projection_live_slot_check CHECK ((live_slot = ANY (ARRAY[0, 1]))),
  constraint projection_task_check CHECK ((task = ANY (ARRAY['rebuild'::text, 'switch_back'::text])))
);

create table resource_change (
  change_id text not null,
  fingerprint bytea not null,
  notifications integer not null,
  received_at timestamp with time zone not null,
  constraint resource_change_pkey PRIMARY KEY (change_id)
);

create table returned_stream (
  stream_id uuid not null,
  returned_at timestamp with time zone not null default clock_timestamp(),
  constraint returned_stream_pkey PRIMARY KEY (stream_id)
);

create table sealed_key (
  name text not null,
  sealed bytea not null,
  key_id text not null,
  constraint sealed_key_pkey PRIMARY KEY (name)
);

create table sign_in (
  state_hash bytea not null,
  browser_hash bytea not null,
  purpose text not null,
  continue_at text not null,
  nonce text not null,
  code_verifier text not null,
  started_at timestamp with time zone not null,
  constraint sign_in_pkey PRIMARY KEY (state_hash)
);

create table stream (
  stream_id uuid not null,
  version integer not null,
  last_epoch integer not null,
  last_xid xid8 not null,
  due_on date,
  archived_end timestamp with time zone,
  constraint stream_pkey PRIMARY KEY (stream_id),
  constraint stream_version_check CHECK ((version >= 0))
);

create table subscription_view (
  subscription_id text not null,
  stream_id uuid not null,
  client_id text not null,
  provider text not null,
  service_id text not null,
  person_id uuid not null,
  status text not null,
  end_date date not null,
  interface_version text not null,
  version integer not null,
  started_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  end_reason text,
  suspended_by text,
  slot smallint not null,
  constraint subscription_view_pkey PRIMARY KEY (slot, subscription_id),
  constraint subscription_view_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'terminated'::text, 'expired'::text])))
) partition by LIST (slot);

create table suspended_client (
  client_id text not null,
  suspended_at timestamp with time zone not null,
  reason text not null,
  constraint suspended_client_pkey PRIMARY KEY (client_id)
);

create table watched_endpoint (
  client_id text not null,
  origin text not null,
  names text[],
  issuer text,
  cname text,
  baseline_at timestamp with time zone,
  doubted_since timestamp with time zone,
  reported text,
  look_at timestamp with time zone not null,
  constraint watched_endpoint_pkey PRIMARY KEY (client_id, origin)
);

create table audit_line_default partition of audit_line DEFAULT;

create table delivery_attempt_default partition of delivery_attempt DEFAULT;

create table subscription_view_0 partition of subscription_view FOR VALUES IN ('0');

create table subscription_view_1 partition of subscription_view FOR VALUES IN ('1');

CREATE INDEX access_grant_over ON public.access_grant USING btree (over_at);

CREATE INDEX archived_event_cause ON ONLY public.archived_event USING hash (((metadata ->> 'causation_id'::text)));

CREATE INDEX archived_event_conversation ON ONLY public.archived_event USING hash (((metadata ->> 'correlation_id'::text)));

CREATE INDEX archived_event_log_order ON ONLY public.archived_event USING btree (epoch, xid, pos);

CREATE INDEX audit_line_correlation ON ONLY public.audit_line USING btree (correlation_id, at, line_no) WHERE (correlation_id IS NOT NULL);

CREATE INDEX audit_line_operations ON ONLY public.audit_line USING btree (at, line_no) WHERE is_operation;

CREATE INDEX audit_line_request ON ONLY public.audit_line USING btree (request_id, at, line_no) WHERE (request_id IS NOT NULL);

CREATE INDEX command_oldest ON public.command USING brin (recorded_at);

CREATE INDEX dead_letter_newest ON public.dead_letter USING btree (created_at, dead_letter_id);

CREATE INDEX delivery_deadline ON public.delivery USING btree (deadline_at) WHERE (notification_type = 'resource'::text);

CREATE INDEX delivery_due ON public.delivery USING btree (endpoint_id, tried, due_at) WHERE (state = 'pending'::text);

CREATE INDEX delivery_leased ON public.delivery USING btree (lease_until) WHERE (state = 'sending'::text);

CREATE INDEX delivery_newest ON public.delivery USING btree (created_at, delivery_id);

CREATE INDEX delivery_oldest ON public.delivery USING btree (client_id, created_at);

CREATE INDEX delivery_subscription ON public.delivery USING btree (subscription_id, sequence);

CREATE INDEX delivery_attempt_amiss ON ONLY public.delivery_attempt USING btree (outcome, created_at, delivery_id) WHERE (outcome = ANY (ARRAY['dead'::text, 'dropped'::text]));

CREATE INDEX delivery_attempt_client ON ONLY public.delivery_attempt USING btree (client_id, created_at, delivery_id) WHERE (outcome <> 'retry'::text);

CREATE INDEX delivery_attempt_conversation ON ONLY public.delivery_attempt USING btree (correlation_id) WHERE (notification_type = 'resource'::text);

CREATE INDEX delivery_attempt_delivery ON ONLY public.delivery_attempt USING btree (delivery_id);

CREATE INDEX delivery_attempt_newest ON ONLY public.delivery_attempt USING btree (created_at, delivery_id) WHERE (outcome <> 'retry'::text);

CREATE INDEX delivery_attempt_subscription ON ONLY public.delivery_attempt USING btree (subscription_id, created_at, delivery_id) WHERE (outcome <> 'retry'::text);

CREATE INDEX delivery_attempt_written ON ONLY public.delivery_attempt USING brin (written_at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX delivery_ledger_hour ON public.delivery_ledger USING btree (hour, client_id, notification_type);

CREATE INDEX destruction_record_newest ON public.destruction_record USING btree (destroyed_at, record_no);

CREATE INDEX event_cause ON public.event USING hash (((metadata ->> 'causation_id'::text)));

CREATE INDEX event_conversation ON public.event USING hash (((metadata ->> 'correlation_id'::text)));

CREATE UNIQUE INDEX event_log_order ON public.event USING btree (epoch, xid, pos);

CREATE INDEX interaction_answered ON public.interaction USING btree (ended_at) WHERE (sealed_answer IS NOT NULL);

CREATE INDEX interaction_newest ON public.interaction USING btree (created_at, interaction_id);

CREATE INDEX interaction_open ON public.interaction USING btree (expires_at) WHERE (outcome IS NULL);

CREATE INDEX interaction_outcome ON public.interaction USING btree (outcome, created_at, interaction_id);

CREATE INDEX interaction_shown ON public.interaction USING btree (interaction_id) WHERE (shown_to IS NOT NULL);

CREATE INDEX operator_session_oldest ON public.operator_session USING btree (signed_in_at);

CREATE INDEX operator_sign_in_oldest ON public.operator_sign_in USING btree (started_at);

CREATE INDEX parked_stream_newest ON public.parked_stream USING btree (parked_at, id);

CREATE INDEX person_session_oldest ON public.person_session USING btree (signed_in_at);

CREATE INDEX resource_change_oldest ON public.resource_change USING btree (received_at);

CREATE INDEX sign_in_oldest ON public.sign_in USING btree (started_at);

CREATE INDEX stream_archived ON public.stream USING btree (archived_end) WHERE (archived_end IS NOT NULL);

CREATE INDEX stream_due_on ON public.stream USING btree (due_on) WHERE (due_on IS NOT NULL);

CREATE INDEX subscription_view_client ON ONLY public.subscription_view USING btree (client_id, started_at, subscription_id);

CREATE INDEX subscription_view_newest ON ONLY public.subscription_view USING btree (started_at, subscription_id);

CREATE INDEX subscription_view_person ON ONLY public.subscription_view USING btree (person_id, started_at, subscription_id);

CREATE INDEX subscription_view_provider ON ONLY public.subscription_view USING btree (provider, service_id, started_at, subscription_id);

CREATE INDEX subscription_view_service ON ONLY public.subscription_view USING btree (service_id, started_at, subscription_id);

CREATE INDEX subscription_view_status ON ONLY public.subscription_view USING btree (status, started_at, subscription_id);

CREATE INDEX watched_endpoint_look_at ON public.watched_endpoint USING btree (look_at);

CREATE OR REPLACE FUNCTION public.append_events(p_log text, p_subject_hash bytea, p_person_id uuid, p_sealed_subject bytea, p_key_id text, p_stream_id uuid, p_expected_version integer, p_due_on date, p_command_key text, p_fingerprint bytea, p_answer jsonb, p_event_ids uuid[], p_types text[], p_data text[], p_metadata jsonb, p_occurred_at timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
declare
  v_epoch integer;
  v_xid xid8 := pg_current_xact_id();
  v_count integer := coalesce(array_length(p_event_ids, 1), 0);
  v_pos bigint;
  v_position text;
begin
  select epoch into strict v_epoch from log where name = p_log;

  if p_subject_hash is not null then
    insert into person (subject_hash, person_id, sealed_subject, key_id)
    values (p_subject_hash, p_person_id, p_sealed_subject, p_key_id)
    on conflict (subject_hash) do nothing;
    if not found then
      raise exception 'the person got an id meanwhile' using errcode = 'MM004';
    end if;
  end if;

  if v_count = 0 then
    -- Nothing to record, but the answer holds for this version only.
    perform 1 from stream where stream_id = p_stream_id and version = p_expected_version for share;
  elsif p_expected_version = 0 then
    insert into stream (stream_id, version, last_epoch, last_xid, due_on)
    values (p_stream_id, v_count, v_epoch, v_xid, p_due_on)
    on conflict (stream_id) do update
      set version = excluded.version, last_epoch = excluded.last_epoch, last_xid = excluded.last_xid, due_on = excluded.due_on
      where stream.version = 0 and (stream.last_epoch, stream.last_xid) <= (excluded.last_epoch, excluded.last_xid);
  else
    update stream
    set version = version + v_count, last_epoch = v_epoch, last_xid = v_xid, due_on = p_due_on
    where stream_id = p_stream_id and version = p_expected_version and (last_epoch, last_xid) <= (v_epoch, v_xid);
  end if;
  if not found then
    perform 1 from stream where stream_id = p_stream_id and version = p_expected_version;
    if found then
      raise exception 'a later transaction wrote to the stream first' using errcode = 'MM002';
    end if;
    raise exception 'the stream is at another version' using errcode = 'MM001';
  end if;

  if v_count = 0 then
    select log_position(epoch, xid, pos) into v_position from event where stream_id = p_stream_id and version = p_expected_version;
  else
    insert into event (epoch, xid, stream_id, version, event_id, type, data, metadata, occurred_at)
    select v_epoch, v_xid, p_stream_id, p_expected_version + e.n, e.event_id, e.type, e.data::jsonb, p_metadata, p_occurred_at
    from unnest(p_event_ids, p_types, p_data) with ordinality as e (event_id, type, data, n)
    order by e.n;
    select max(pos) into v_pos from event where stream_id = p_stream_id and version = p_expected_version + v_count;
    v_position := log_position(v_epoch, v_xid, v_pos);
  end if;

  if p_command_key is not null then
    insert into command (key, fingerprint, answer, stream_id, version)
    values (p_command_key, p_fingerprint, p_answer, p_stream_id, p_expected_version + v_count)
    on conflict (key) do nothing;
    if not found then
      raise exception 'the command key was used meanwhile' using errcode = 'MM003';
    end if;
  end if;
  return v_position;
end $function$
;

CREATE OR REPLACE FUNCTION public.append_events_batch(p_log text, p_subject_hashes bytea[], p_person_ids uuid[], p_sealed_subjects bytea[], p_key_ids text[], p_stream_ids uuid[], p_expected_versions integer[], p_due_on date[], p_command_keys text[], p_fingerprints bytea[], p_answers text[], p_metadata text[], p_occurred_at timestamp with time zone[], p_event_items integer[], p_event_ids uuid[], p_types text[], p_data text[])
 RETURNS TABLE(item integer, failure text, "position" text)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.claim_deliveries(p_now timestamp with time zone, p_total integer, p_tried integer, p_unproven integer, p_room integer, p_endpoints integer[], p_rooms integer[], p_proven boolean[], p_lease_ms integer, p_broken_from integer, p_probe_s integer)
 RETURNS TABLE(delivery_id uuid, endpoint_id integer, subscription_id text, client_id text, service_id text, interface_version text, provider text, person_id uuid, notification_type text, end_date text, correlation_id text, attempts integer, first_due_at timestamp with time zone, created_at timestamp with time zone, deadline_at timestamp with time zone, fence text, is_probe boolean, subscription_ended boolean, started_at timestamp with time zone, confirmed_at timestamp with time zone)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
  with recursive lane as (
    -- Which queues have anything at all: one look into the index for each, however long they are.
    (select d.endpoint_id, d.tried, d.due_at from delivery d where d.state = 'pending'
     order by d.endpoint_id, d.tried, d.due_at limit 1)
    union all
    select next.* from lane cross join lateral (
      select d.endpoint_id, d.tried, d.due_at from delivery d
      where d.state = 'pending' and (d.endpoint_id, d.tried) > (lane.endpoint_id, lane.tried)
      order by d.endpoint_id, d.tried, d.due_at limit 1) next
  ), open_lane as (
    select lane.endpoint_id, lane.tried, e.resumed_at, e.failures >= p_broken_from as is_broken,
           case when e.failures >= p_broken_from then 1 else coalesce(known.room, p_room) end as room,
           coalesce(known.is_proven, false) as is_proven
    from lane join notification_endpoint e on e.endpoint_id = lane.endpoint_id
    left join unnest(p_endpoints, p_rooms, p_proven) as known (endpoint_id, room, is_proven)
      on known.endpoint_id = lane.endpoint_id
    where lane.due_at <= p_now and (e.held_until is null or e.held_until <= p_now)
      and not exists (select 1 from parked_client p where p.client_id = e.client_id)
  ), candidate as (
    select c.delivery_id, c.due_at, o.*, row_number() over (partition by o.endpoint_id order by o.tried, c.due_at) as turn
    from open_lane o
    cross join lateral (
      select d.delivery_id, d.due_at from delivery d
      where d.state = 'pending' and d.endpoint_id = o.endpoint_id and d.tried = o.tried and d.due_at <= p_now
        and not exists (
          select 1 from delivery other
          where other.subscription_id = d.subscription_id
            and (other.state = 'sending' or other.notification_type = 'subscription'
              and (other.sequence < d.sequence
                or d.notification_type = 'resource' and (other.sequence = d.sequence or other.due_at <= p_now))))
        and (d.notification_type = 'subscription' or exists (
          select 1 from notified_subscription s
          where s.subscription_id = d.subscription_id and s.planned_sequence >= d.sequence and s.status <> 'suspended'))
      order by d.due_at
      limit least(o.room, case when o.tried then p_tried else p_total end)
      for update of d skip locked
    ) c
  ), turned as (
    select c.*, row_number() over (partition by c.tried order by c.turn, c.due_at) as turn_if_tried,
           row_number() over (partition by c.is_proven order by c.turn, c.due_at) as turn_if_proven
    from candidate c
    where c.turn <= c.room
  ), chosen as (
    select t.delivery_id, t.endpoint_id, t.is_broken, t.resumed_at from turned t
    where (not t.tried or t.turn_if_tried <= p_tried) and (t.is_proven or t.turn_if_proven <= p_unproven)
    order by t.turn, t.due_at limit p_total
  ), probing as (
    -- One delivery, of one process, finds out whether an endpoint is well again. Only where it goes out: an endpoint that nobody had
    -- room for would be held for a probe that was never sent, again and again.
    update notification_endpoint e set held_until = p_now + p_probe_s * interval '1 second'
    where e.endpoint_id in (select c.endpoint_id from chosen c where c.is_broken)
      and (e.held_until is null or e.held_until <= p_now)
    returning e.endpoint_id
  ), claimed as (
    update delivery d
    set state = 'sending', fence = d.fence + 1, lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
    from chosen c
    where d.delivery_id = c.delivery_id and (not c.is_broken or c.endpoint_id in (select p.endpoint_id from probing p))
    returning d.*, c.is_broken, c.resumed_at
  )
  select c.delivery_id, c.endpoint_id, c.subscription_id, c.client_id, c.service_id, c.interface_version, c.provider, c.person_id,
         c.notification_type, c.end_date::text, c.correlation_id, c.attempts, greatest(c.first_due_at, c.resumed_at), c.created_at,
         c.deadline_at, c.fence::text, c.is_broken, coalesce(s.status = 'ended', false), s.started_at, s.confirmed_at
  from claimed c left join notified_subscription s on s.subscription_id = c.subscription_id
  order by c.due_at;
end $function$
;

CREATE OR REPLACE FUNCTION public.complete_deliveries(p_ids uuid[], p_fences bigint[], p_states text[], p_at timestamp with time zone[], p_statuses integer[], p_errors text[], p_durations integer[], p_due timestamp with time zone[], p_counted boolean[], p_well integer[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  if cardinality(p_well) > 0 then
    update notification_endpoint e set failures = 0, held_until = null
    from (
      select endpoint_id from notification_endpoint
      where endpoint_id = any (p_well) and (failures > 0 or held_until is not null) order by endpoint_id for update
    ) well
    where e.endpoint_id = well.endpoint_id;
  end if;
  if 'pending' = any (p_states) then
    -- The planner holds these locks while it plans a newer state: it has to see that this one waits again, or this one has to see
    -- the newer state. Else the newer one would wait for the next try of what it overtakes. With the locks that are taken below
    -- anyway, in the order of the planner's.
    perform 1 from (
      select d.subscription_id, bool_or(o.state = 'pending') as waits
      from unnest(p_ids, p_states) as o (delivery_id, state) join delivery d on d.delivery_id = o.delivery_id
      where o.state in ('pending', 'delivered') group by d.subscription_id
    ) told join notified_subscription s on s.subscription_id = told.subscription_id
    where told.waits or s.confirmed_at is null
    order by s.subscription_id for no key update of s;
  end if;
  return query
  with outcome as (
    select o.*, one.subscription_id, one.notification_type, one.sequence
    from unnest(p_ids, p_fences, p_states, p_at, p_statuses, p_errors, p_durations, p_due, p_counted)
      as o (delivery_id, fence, state, at, status, error, duration_ms, due_at, is_counted)
    join delivery one on one.delivery_id = o.delivery_id
  ), judged as (
    -- What would be tried again has been overtaken while it was being sent: the newer one goes instead.
    select o.*, o.state = 'pending' and exists (
        select 1 from delivery later
        where later.subscription_id = o.subscription_id and later.notification_type = o.notification_type
          and later.delivery_id <> o.delivery_id and (later.sequence > o.sequence or o.notification_type = 'resource')
      ) as is_superseded
    from outcome o
  ), waiting as (
    update delivery d
    set state = 'pending', attempts = d.attempts + j.is_counted::integer, last_attempt_at = j.at, last_status = j.status,
        last_error = j.error, due_at = j.due_at, lease_until = null
    from judged j
    where d.delivery_id = j.delivery_id and d.fence = j.fence and d.state in ('sending', 'pending')
      and j.state = 'pending' and not j.is_superseded
    returning d.*, j.duration_ms
  ), ended as (
    delete from delivery d using judged j
    where d.delivery_id = j.delivery_id and d.fence = j.fence and d.state in ('sending', 'pending')
      and (j.state <> 'pending' or j.is_superseded)
    returning d.*, j.state as outcome, j.at, j.status, j.error, j.duration_ms, j.is_counted, j.is_superseded
  ), recorded as (
    insert into delivery_attempt (
      delivery_id, subscription_id, sequence, client_id, service_id, interface_version, provider, person_id, notification_type,
      end_date, correlation_id, due_at, created_at, deadline_at, fence, attempt, at, status, error, duration_ms, outcome)
    select delivery_id, subscription_id, sequence, client_id, service_id, interface_version, provider, person_id, notification_type,
           end_date, correlation_id, due_at, created_at, deadline_at, fence, attempts, last_attempt_at, last_status, last_error,
           duration_ms, 'retry' from waiting
    union all
    select delivery_id, subscription_id, sequence, client_id, service_id, interface_version, provider, person_id, notification_type,
           end_date, correlation_id, due_at, created_at, deadline_at, fence, attempts + is_counted::integer, at, status,
           case when is_superseded then 'superseded' else error end, duration_ms,
           case when is_superseded then 'dropped' else outcome end from ended
  ), confirmed as (
    -- Locked in the order of the planner's locks, for it may be planning something newer of the same ones right now.
    update notified_subscription s set confirmed_at = e.at
    from (
      select told.subscription_id, told.at
      from (select subscription_id, min(at) as at from ended where outcome = 'delivered' group by subscription_id) told
      join notified_subscription open on open.subscription_id = told.subscription_id
      where open.confirmed_at is null
      order by open.subscription_id for no key update of open
    ) e
    where s.subscription_id = e.subscription_id and s.confirmed_at is null
  ), urged as (
    -- The newer one takes over the deadline of what it stands for.
    update delivery later set deadline_at = e.deadline_at
    from ended e
    where e.is_superseded and e.notification_type = 'resource' and later.subscription_id = e.subscription_id
      and later.notification_type = 'resource' and later.deadline_at > e.deadline_at and later.delivery_id <> e.delivery_id
  )
  select delivery_id from waiting union all select delivery_id from ended;
end $function$
;

CREATE OR REPLACE FUNCTION public.log_position(p_epoch integer, p_xid xid8, p_pos bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select lpad(to_hex(p_epoch), 8, '0') || '-' || lpad(to_hex(p_xid::text::bigint), 16, '0') || '-' || lpad(to_hex(p_pos), 16, '0')
$function$
;

CREATE OR REPLACE FUNCTION public.read_streams(p_stream_ids uuid[], p_subject_hashes bytea[], p_previous_hashes bytea[], p_names1 text[], p_names2 text[], p_names3 text[], p_command_keys text[])
 RETURNS TABLE(item integer, person_id uuid, fingerprint bytea, answer jsonb, command_position text, is_archived boolean, epoch integer, xid text, pos text, stream_id uuid, version integer, event_id uuid, type text, data jsonb, metadata jsonb, occurred_at timestamp with time zone, recorded_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.stream_id_of(p_person_id uuid, VARIADIC p_names text[])
 RETURNS uuid
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
declare
  h bytea := sha256(convert_to(p_person_id::text || E'\n' || array_to_string(p_names, E'\n'), 'UTF8'));
begin
  h := substr(h, 1, 16);
  h := set_byte(h, 6, (get_byte(h, 6) & 15) | 128);
  h := set_byte(h, 8, (get_byte(h, 8) & 63) | 128);
  return encode(h, 'hex')::uuid;
end $function$
;
