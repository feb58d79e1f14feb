-- The endpoints that the watch looks at (domain.md 11): by what each was known at its client's first authorization or last resume,
-- what is held against it since when, and when it is looked at next.
create table watched_endpoint (
  client_id text not null,
  origin text not null,
  -- The baseline; null until the first good look.
  names text[],
  issuer text,
  cname text,
  baseline_at timestamptz,
  -- Since when its identity is in doubt; null while it is not.
  doubted_since timestamptz,
  -- The change under a valid name that was reported last, so that it is reported once.
  reported text,
  look_at timestamptz not null,
  primary key (client_id, origin)
);
create index watched_endpoint_look_at on watched_endpoint (look_at);
