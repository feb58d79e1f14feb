-- What was delivered for the first time locked its subscriptions in any order, and the planner locks them in theirs: each could wait for
-- the other. PostgreSQL then broke off the completion, and after its lease the client got every notification of it again.

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
end $$;
