-- Whom an erasure forgets, for as long as it is under way: one that was cut short is gone on with.
alter table erasures add column subscriber_id integer references subscribers (id) on delete set null;
alter table erasures add column visitor_id integer references visitors (id) on delete set null;
create index erasures_of_subscribers on erasures (subscriber_id) where subscriber_id is not null;
create index erasures_of_visitors on erasures (visitor_id) where visitor_id is not null;
