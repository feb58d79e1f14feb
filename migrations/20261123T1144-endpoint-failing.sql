-- Since when an endpoint has done nothing but fail, and when it was last seen to (docs/adr/0028). They say something while `failures`
-- is above 0: a good answer sets that to 0, and the next failure begins anew.
alter table notification_endpoint
  add column failing_since timestamptz,
  add column failed_at timestamptz,
  -- Operators have been warned of it.
  add column warned_at timestamptz;
