-- Accounts own lists and keys. Emails are found by key (case-folded), shown as first given.
create table accounts (
    id integer primary key,
    email text not null,
    email_key text not null unique,
    password_hash text not null,
    created_at_ms integer not null
) strict;

-- A key is kept as its digest only; the hint is its last characters, to tell keys apart.
create table api_keys (
    id integer primary key,
    account_id integer not null references accounts (id),
    note text not null,
    digest blob not null unique,
    hint text not null,
    created_at_ms integer not null,
    revoked_at_ms integer
) strict;
create index api_keys_by_account on api_keys (account_id);

-- autoincrement: a deleted list's id never comes back, for it is signed into tracker ids.
create table lists (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    name text not null,
    allowed_origins text not null,
    catalog_names integer not null default 0,
    catalog_overflow integer not null default 0,
    created_at_ms integer not null
) strict;
create index lists_by_account on lists (account_id);

-- A subscriber is a person on a list.
create table subscribers (
    id integer primary key,
    list_id integer not null references lists (id),
    email text not null,
    email_key text not null,
    external_id text,
    created_at_ms integer not null,
    unique (list_id, email_key)
) strict;
create index subscribers_by_external_id on subscribers (list_id, external_id)
    where external_id is not null;

-- A visitor is a browser; its subscriber is a pointer, so events are never rewritten.
create table visitors (
    id integer primary key,
    list_id integer not null references lists (id),
    uuid blob not null,
    subscriber_id integer references subscribers (id),
    external_id text,
    created_at_ms integer not null,
    unique (list_id, uuid)
) strict;
create index visitors_by_subscriber on visitors (subscriber_id)
    where subscriber_id is not null;
create index visitors_by_external_id on visitors (list_id, external_id)
    where external_id is not null;

create table event_names (
    id integer primary key,
    list_id integer not null references lists (id),
    name text not null,
    kind integer not null,
    unique (list_id, name)
) strict;

-- Properties that many events share, kept once: a browser's or a page's.
create table contexts (
    id integer primary key,
    digest blob not null unique,
    properties text not null
) strict;

-- autoincrement: readers go on from the last id they saw, so the newest event's must not come back
-- once it is erased. `unique_id` carries the promise that an event is stored once. `answered_id` is the external id
-- a server was answered, so that a repeated call gets the same answer. `caused_by` points from an
-- identify of our own to the event that brought the address.
create table events (
    id integer primary key autoincrement,
    list_id integer not null references lists (id),
    unique_id blob not null,
    visitor_id integer not null references visitors (id),
    name_id integer not null references event_names (id),
    browser_id integer not null references contexts (id),
    page_id integer not null references contexts (id),
    happened_at_ms integer not null,
    sent_at_ms integer,
    received_at_ms integer not null,
    door integer not null,
    silent integer not null,
    format integer not null,
    properties text not null,
    answered_id text,
    caused_by integer references events (id),
    unique (list_id, unique_id)
) strict;
create index events_by_visitor on events (visitor_id);
create index events_by_name on events (name_id, happened_at_ms);
create index events_by_cause on events (caused_by) where caused_by is not null;

-- The catalog: every property name seen with each event name of a list.
create table catalog (
    name_id integer not null references event_names (id),
    property text not null,
    first_seen_at_ms integer not null,
    primary key (name_id, property)
) strict, without rowid;
