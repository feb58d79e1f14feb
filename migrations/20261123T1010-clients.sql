-- Clients that are suspended as a whole, written in the transaction of the event that says so (domain.md 11). Nobody has written
-- here before there were such events.
truncate suspended_client;
alter table suspended_client add column reason text not null;
