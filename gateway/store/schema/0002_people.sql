-- Lists: what a back end reads and changes, and how far a browser's identify is believed.
alter table lists add column archived_at_ms integer;
alter table lists add column currency text not null default 'USD';
alter table lists add column identify_mode text not null default 'create';
alter table lists add column secret text not null default '';
alter table lists add column options text not null default '{}';
update lists set secret = lower(hex(randomblob(32)));

-- Subscribers: their ids never come back, for they are signed into the links of mails. Made anew,
-- for SQLite adds autoincrement to no table that is there.
pragma defer_foreign_keys = on;
create temp table kept as select * from subscribers;
drop table subscribers;
create table subscribers (
    id integer primary key autoincrement,
    list_id integer not null references lists (id),
    email text not null,
    email_key text not null,
    external_id text,
    created_at_ms integer not null,
    unique (list_id, email_key)
) strict;
create index subscribers_by_external_id on subscribers (list_id, external_id)
    where external_id is not null;
insert into subscribers select * from kept;
drop table kept;

-- Their standing on the list.
alter table subscribers add column status text not null default 'Subscribed';
alter table subscribers add column bounce_type text not null default 'Not Bounced';
alter table subscribers add column subscription_ip text;
alter table subscribers add column unsubscribed_at_ms integer;
alter table subscribers add column unsubscription_ip text;

-- Custom fields of a list's subscribers. The alias is found without regard to case.
create table custom_fields (
    id integer primary key autoincrement,
    list_id integer not null references lists (id),
    name text not null,
    type text not null,
    alias text not null,
    alias_key text not null,
    default_value text not null,
    is_unique_identifier integer not null,
    options text not null
) strict;
create index custom_fields_by_list on custom_fields (list_id, alias_key);

create table field_values (
    subscriber_id integer not null references subscribers (id),
    field_id integer not null references custom_fields (id),
    value text not null,
    value_key text not null,
    primary key (subscriber_id, field_id)
) strict, without rowid;
-- What a hashed identify is looked up by.
create index field_values_by_value on field_values (field_id, value_key);

-- How sure a visitor's binding is: 1 identify, 2 click-through. Null while nobody's.
alter table visitors add column bound_by integer;
update visitors set bound_by = 1 where subscriber_id is not null;

-- The journal of bindings: every change of a visitor's pointer, with what it was before.
create table bindings (
    id integer primary key,
    list_id integer not null references lists (id),
    visitor_id integer not null references visitors (id),
    cause text not null,
    evidence text not null,
    subscriber_before integer references subscribers (id),
    bound_by_before integer,
    subscriber_after integer references subscribers (id),
    bound_by_after integer,
    undoes integer references bindings (id),
    at_ms integer not null
) strict;
create index bindings_by_list on bindings (list_id);
create index bindings_by_visitor on bindings (visitor_id);
create index bindings_by_before on bindings (subscriber_before) where subscriber_before is not null;
create index bindings_by_after on bindings (subscriber_after) where subscriber_after is not null;
create unique index bindings_undone_once on bindings (undoes) where undoes is not null;
-- The visitors that started from one, whose uuid their first entry gives.
create index bindings_by_split on bindings (list_id, json_extract(evidence, '$.split_from'))
    where json_extract(evidence, '$.split_from') is not null;

-- Click-throughs: a mail's link opened in a browser. Provisional until confirmed by a sign of a
-- person; marked when many recipients' links were opened from one address in a burst.
create table clicks (
    id integer primary key,
    list_id integer not null references lists (id),
    visitor_id integer not null references visitors (id),
    subscriber_id integer not null references subscribers (id),
    campaign text not null,
    token_digest blob not null,
    landing_digest blob not null,
    address_digest blob not null,
    clicked_at_ms integer not null,
    confirmed_at_ms integer,
    confirmed_by text,
    marked integer not null,
    unique (visitor_id, token_digest)
) strict;
create index clicks_by_list on clicks (list_id);
create index clicks_by_subscriber on clicks (subscriber_id, clicked_at_ms);
create index clicks_by_address on clicks (address_digest, clicked_at_ms);

-- Conversions: once per list and conversion id, whoever sends them and however often.
create table conversions (
    id integer primary key,
    list_id integer not null references lists (id),
    conversion_id text not null,
    event_id integer not null references events (id),
    visitor_id integer not null references visitors (id),
    click_id integer references clicks (id),
    name text not null,
    value real not null,
    currency text not null,
    quantity real not null,
    happened_at_ms integer not null,
    unique (list_id, conversion_id)
) strict;
create index conversions_by_event on conversions (event_id);
create index conversions_by_visitor on conversions (visitor_id);
create index conversions_by_click on conversions (click_id) where click_id is not null;

-- Erased people and browsers, as digests: nothing may bring them back.
create table suppressions (
    list_id integer not null references lists (id),
    digest blob not null,
    created_at_ms integer not null,
    primary key (list_id, digest)
) strict, without rowid;

-- What is left of an erasure: counts, time, and a digest of the address.
create table erasures (
    id integer primary key,
    list_id integer not null references lists (id),
    digest blob not null,
    counts text not null,
    at_ms integer not null
) strict;
create index erasures_by_list on erasures (list_id);

-- A deleted list is nobody's at once; what it held goes in small steps, its own row last.
alter table lists add column deleted_at_ms integer;
create index lists_deleted on lists (deleted_at_ms) where deleted_at_ms is not null;

-- Keys: where they may be used from, and when and how often they were.
alter table api_keys add column bound_address text not null default '';
alter table api_keys add column last_used_at_ms integer;
alter table api_keys add column last_used_address text not null default '';
alter table api_keys add column requests integer not null default 0;
