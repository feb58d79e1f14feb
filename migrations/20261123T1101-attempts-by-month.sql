-- Tries of notifications are audit lines too (docs/adr/0021): kept for 24 to 36 months, and therefore by month. The days there are
-- become months. Takes the log of attempts for as long as copying its rows takes; the service is stopped then anyway.
do $$
declare
  one record;
  that_month text;
begin
  create temporary table day_of_attempts on commit drop as
    select c.relname::text as name, substr(c.relname, 18, 6) as month
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'delivery_attempt'::regclass and c.relname ~ '^delivery_attempt_[0-9]{8}$';
  -- Read to its end at once: a table that is being read cannot be changed.
  foreach that_month in array array(
    select d.month from day_of_attempts d
    union select to_char(written_at at time zone 'UTC', 'YYYYMM') from delivery_attempt_default)
  loop
    execute format('create table delivery_attempt_%s (like delivery_attempt including all)', that_month);
    for one in select d.name from day_of_attempts d where d.month = that_month order by 1 loop
      execute format('alter table delivery_attempt detach partition %I', one.name);
      execute format('insert into delivery_attempt_%s select * from %I', that_month, one.name);
      execute format('drop table %I', one.name);
    end loop;
    execute format(
      'with stray as (delete from delivery_attempt_default where to_char(written_at at time zone ''UTC'', ''YYYYMM'') = %L returning *)
       insert into delivery_attempt_%s select * from stray', that_month, that_month);
    execute format('alter table delivery_attempt attach partition delivery_attempt_%s for values from (%L) to (%L)', that_month,
      to_date(that_month, 'YYYYMM')::text || ' 00:00:00+00', (to_date(that_month, 'YYYYMM') + interval '1 month')::date::text || ' 00:00:00+00');
  end loop;
end $$;

-- Tries by conversation. One of a change of the subscription is found by its event, which has the same id; only one of new data
-- needs an index of its own.
create index delivery_attempt_conversation on delivery_attempt (correlation_id) where notification_type = 'resource';
