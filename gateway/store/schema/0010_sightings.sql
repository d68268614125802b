-- What was seen of each event name and of each property on it: figures of the log up to
-- `seen_upto`, counted at our own pace, so that an event on its way costs nothing more. Only of what
-- is in the catalog, whose bound is theirs. They are of what was seen, not of what is kept.
create table seen_events (
    name_id integer not null primary key references event_names (id),
    list_id integer not null references lists (id),
    by_tracker integer not null,
    by_pixel integer not null,
    by_api integer not null,
    first_at_ms integer not null,
    last_at_ms integer not null
) strict, without rowid;
create index seen_events_by_list on seen_events (list_id);

-- A row for each type of value. `doors` has a bit for each door. `first_nth` and `last_nth` say on the
-- how-manieth event of that name it came: what is missing since, or instead of what, follows.
-- `examples` are texts without anything personal, newest first.
create table seen_properties (
    name_id integer not null references event_names (id),
    property text not null,
    type text not null,
    doors integer not null,
    count integer not null,
    first_at_ms integer not null,
    last_at_ms integer not null,
    first_nth integer not null,
    last_nth integer not null,
    format integer not null,
    examples text not null,
    primary key (name_id, property, type)
) strict, without rowid;

-- `forgotten` counts how often examples were taken away: what was read before is not put in after.
create table seen_upto (
    event_id integer not null,
    received_at_ms integer,
    forgotten integer not null
) strict;
insert into seen_upto values (0, null, 0);
