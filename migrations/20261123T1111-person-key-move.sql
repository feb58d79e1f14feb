-- How far the persons have moved to a new PERSON_KEY; keys by their numbers. A walk goes over all persons by their ids, again and again
-- until one has found nothing to move.
create table person_key_move (
  to_key text primary key,
  from_key text not null,
  began_at timestamptz not null,
  walked_to uuid not null default '00000000-0000-0000-0000-000000000000',
  moved bigint not null default 0,
  -- In the present walk: persons moved, and persons that could not be.
  moved_in_walk integer not null default 0,
  left_in_walk integer not null default 0,
  -- What the last whole walk left behind.
  left_behind integer not null default 0,
  finished_at timestamptz
);
