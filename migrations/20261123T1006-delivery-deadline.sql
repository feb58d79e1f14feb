-- Which resource notifications are about to miss their hour, asked at every scrape.
create index delivery_deadline on delivery (deadline_at) where notification_type = 'resource';
