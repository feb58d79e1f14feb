-- Persons of whom a subscription was destroyed and who have not been looked at since: an identity goes with the last one (docs/adr/0031).
create table left_person (
  person_id uuid primary key
);
