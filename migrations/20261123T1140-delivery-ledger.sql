-- How many deliveries were planned, counted by the statement that plans them (docs/adr/0026): what became of them is counted from
-- the rows that are there, and what is missing shows. One row for each statement and client, so that two resource changes
-- never wait for each other; the keeper of deliveries adds up those of one hour.
create table delivery_ledger (
  -- Of `created_at`, in UTC.
  hour              timestamptz not null,
  client_id         text not null,
  notification_type text not null check (notification_type in ('subscription', 'resource')),
  planned           bigint not null
);
create index delivery_ledger_hour on delivery_ledger (hour, client_id, notification_type);

-- What was planned before nobody counted: it is what there is.
insert into delivery_ledger (hour, client_id, notification_type, planned)
select date_trunc('hour', created_at, 'UTC'), client_id, notification_type, count(*)
from (
  select created_at, client_id, notification_type from delivery
  union all
  select created_at, client_id, notification_type from delivery_attempt where outcome <> 'retry'
) known
group by 1, 2, 3;
