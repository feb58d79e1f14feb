-- Two ways in which a notification could wait longer than it had to: an endpoint was held for a probe that nobody had room for, and a
-- try that was recorded while a newer state was being planned stood in front of it until its next step.

create or replace function claim_deliveries(
  p_now timestamptz, p_total integer, p_tried integer, p_unproven integer, p_room integer,
  p_endpoints integer[], p_rooms integer[], p_proven boolean[], p_lease_ms integer, p_broken_from integer, p_probe_s integer
) returns table (
  delivery_id uuid, endpoint_id integer, subscription_id text, client_id text, service_id text, interface_version text, provider text,
  person_id uuid, notification_type text, end_date text, correlation_id text, attempts integer, first_due_at timestamptz,
  created_at timestamptz, deadline_at timestamptz, fence text, is_probe boolean, subscription_ended boolean,
  started_at timestamptz, confirmed_at timestamptz
) language plpgsql
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
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
end $$;

create or replace function complete_deliveries(
  p_ids uuid[], p_fences bigint[], p_states text[], p_at timestamptz[], p_statuses integer[], p_errors text[],
  p_durations integer[], p_due timestamptz[], p_counted boolean[], p_well integer[]
) returns setof uuid language plpgsql
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
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
    update notified_subscription s set confirmed_at = e.at
    from (select subscription_id, min(at) as at from ended where outcome = 'delivered' group by subscription_id) e
    where s.subscription_id = e.subscription_id and s.confirmed_at is null
  ), urged as (
    -- The newer one takes over the deadline of what it stands for.
    update delivery later set deadline_at = e.deadline_at
    from ended e
    where e.is_superseded and e.notification_type = 'resource' and later.subscription_id = e.subscription_id
      and later.notification_type = 'resource' and later.deadline_at > e.deadline_at and later.delivery_id <> e.delivery_id
  )
  select delivery_id from waiting union all select delivery_id from ended;
end $$;
