-- The trace of the request that caused a notification, for the tries of it (docs/adr/0024). Null where nobody traced.
alter table delivery add column traceparent text;
