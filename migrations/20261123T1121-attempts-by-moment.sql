-- What became of tries in the last seconds is counted while an operator looks. Rows are written in the order of their moment, so a
-- few bytes for each 32 pages find them, and writing costs nothing to speak of.
create index delivery_attempt_written on delivery_attempt using brin (written_at) with (pages_per_range = 32, autosummarize = on);
