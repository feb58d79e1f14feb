-- Until when the rate of an endpoint is used up, where it has one (docs/adr/0027): all processes take their slices here.
alter table notification_endpoint add column paced_until timestamptz;
