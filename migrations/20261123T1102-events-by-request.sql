-- The audit trail reads events where they are (docs/adr/0021) instead of writing each of them twice. By hash: 36 letters of an id
-- are stored as four bytes, and an id is only ever asked for as a whole.
create index event_conversation on event using hash ((metadata ->> 'correlation_id'));
create index event_cause on event using hash ((metadata ->> 'causation_id'));
