-- The delivery engine (docs/adr/0017): what is not finished stays in one small table, every try and every ending goes to a log
-- that is partitioned by day, and what is known of an endpoint is shared by all processes.

-- An endpoint as the client list names one. While `held_until` lies ahead nothing is claimed for it; `failures` in a row say
-- whether its breaker is open (src/notifications/breaker.ts decides).
create table notification_endpoint (
  endpoint_id       integer generated always as identity primary key,
  client_id         text not null,
  service_id        text not null,
  interface_version text not null,
  notification_type text not null check (notification_type in ('subscription', 'resource')),
  failures          integer not null default 0,
  held_until        timestamptz,
  unique (client_id, service_id, interface_version, notification_type)
);

-- Clients that are suspended, as the planner has read it in the log: their deliveries wait where they are.
create table parked_client (
  client_id text primary key,
  since     timestamptz not null
);

-- One row a try, and one for what ended without a try. `outcome` retry: it went on. The row of the ending stands for the delivery.
create table delivery_attempt (
  written_at        timestamptz not null default clock_timestamp(),
  delivery_id       uuid not null,
  -- Tries so far, this one included.
  attempt           integer not null,
  at                timestamptz,
  status            integer,
  error             text,
  duration_ms       integer,
  outcome           text not null check (outcome in ('retry', 'delivered', 'dead', 'dropped')),
  subscription_id   text not null,
  sequence          integer not null,
  client_id         text not null,
  service_id        text not null,
  interface_version text not null,
  provider          text,
  person_id         uuid,
  notification_type text not null,
  end_date          date,
  correlation_id    text not null,
  due_at            timestamptz not null,
  created_at        timestamptz not null,
  deadline_at       timestamptz not null,
  -- Whose outcome counted: what is put back into the queue goes on counting from here.
  fence             bigint not null
) partition by range (written_at);
create index delivery_attempt_delivery on delivery_attempt (delivery_id);
create index delivery_attempt_subscription on delivery_attempt (subscription_id, created_at, delivery_id) where outcome <> 'retry';
create index delivery_attempt_client on delivery_attempt (client_id, created_at, delivery_id) where outcome <> 'retry';
create index delivery_attempt_newest on delivery_attempt (created_at, delivery_id) where outcome <> 'retry';
create index delivery_attempt_amiss on delivery_attempt (outcome, created_at, delivery_id) where outcome in ('dead', 'dropped');
-- For a day whose partition nobody has made: then nothing stops, and readiness says so.
create table delivery_attempt_default partition of delivery_attempt default;

-- What the planner has said of a subscription, so that nothing finished must be kept to know it.
alter table notified_subscription
  alter column started_at drop not null,
  -- The newest version of its stream that has been planned, whatever it meant.
  add column planned_sequence integer not null default 0,
  -- The newest version of which the client is to be told.
  add column told_sequence integer not null default 0,
  add column resource_planned_at timestamptz,
  add column status text not null default 'active' check (status in ('active', 'suspended', 'ended'));

insert into notified_subscription (subscription_id, planned_sequence, status)
select distinct on (e.data ->> 'subscription_id') e.data ->> 'subscription_id', e.version,
       case when e.type like '%.suspended.v_' then 'suspended'
            when e.type like '%.terminated.v_' or e.type like '%.expired.v_' then 'ended' else 'active' end
from event e join log_reader r on r.log = 'main' and r.name = 'planner' and (e.epoch, e.xid, e.pos) <= (r.epoch, r.xid, r.pos)
where e.type like 'nl.medmij.subscription.%'
order by e.data ->> 'subscription_id', e.version desc
on conflict (subscription_id) do update set planned_sequence = excluded.planned_sequence, status = excluded.status;

insert into notified_subscription (subscription_id, planned_sequence, told_sequence)
select subscription_id, max(sequence), max(sequence) from delivery where notification_type = 'subscription' group by subscription_id
on conflict (subscription_id) do update
set told_sequence = excluded.told_sequence,
    planned_sequence = greatest(notified_subscription.planned_sequence, excluded.told_sequence);

insert into notification_endpoint (client_id, service_id, interface_version, notification_type)
select distinct client_id, service_id, interface_version, notification_type from delivery;

-- What is finished: one row each, for the tries before the last were never kept; in the partition of today.
do $$
declare
  today date := (now() at time zone 'UTC')::date;
begin
  if exists (select 1 from delivery where state in ('delivered', 'dead', 'dropped')) then
    execute format('create table delivery_attempt_%s partition of delivery_attempt for values from (%L) to (%L)',
      to_char(today, 'YYYYMMDD'), today || ' 00:00:00+00', today + 1 || ' 00:00:00+00');
  end if;
end $$;
insert into delivery_attempt (
  written_at, delivery_id, attempt, at, status, error, outcome, subscription_id, sequence, client_id, service_id, interface_version,
  notification_type, end_date, correlation_id, due_at, created_at, deadline_at, fence)
select now(), delivery_id, attempts, last_attempt_at, last_status, last_error, state, subscription_id, sequence, client_id, service_id,
       interface_version, notification_type, end_date, correlation_id, due_at, created_at, deadline_at, fence
from delivery where state in ('delivered', 'dead', 'dropped');
delete from delivery where state in ('delivered', 'dead', 'dropped');

drop index delivery_due, delivery_unfinished, delivery_subscription, delivery_newest, delivery_client, delivery_state;
alter table delivery
  drop constraint delivery_state_check,
  add check (state in ('pending', 'sending', 'parked')),
  add column provider text,
  add column person_id uuid,
  add column endpoint_id integer,
  -- Its schedule counts from here.
  add column first_due_at timestamptz,
  add column tried boolean generated always as (attempts > 0) stored;
update delivery d set first_due_at = d.created_at, endpoint_id = e.endpoint_id
from notification_endpoint e
where (e.client_id, e.service_id, e.interface_version, e.notification_type)
    = (d.client_id, d.service_id, d.interface_version, d.notification_type);
alter table delivery alter column endpoint_id set not null, alter column first_due_at set not null;

-- First tries and retries of an endpoint are two queues, each in the order of its due moments.
create index delivery_due on delivery (endpoint_id, tried, due_at) where state = 'pending';
create index delivery_leased on delivery (lease_until) where state = 'sending';
create index delivery_subscription on delivery (subscription_id, sequence);
create index delivery_newest on delivery (created_at, delivery_id);
create index delivery_oldest on delivery (client_id, created_at);

-- Every row lives through one insert, two updates or so, and its deletion: vacuumed before the dead ones outweigh the living.
alter table delivery set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 1);
