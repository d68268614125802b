-- Segments: rules that say which subscribers of a list are meant. `rules` are kept as they were
-- written. With a `sample_size` only so many of them, drawn by the seed.
create table segments (
    id integer primary key autoincrement,
    list_id integer not null references lists (id),
    name text not null,
    match_all integer not null,
    format integer not null,
    rules text not null,
    sample_size integer,
    seed integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null
) strict;
create index segments_by_list on segments (list_id);

-- Which browser did what last when: a summary of the events up to `happenings_upto`, folded in at
-- our own pace, so that an event on its way costs nothing more. No foreign keys: the trigger keeps
-- it right when events go, and where all of a browser's events are gone so are its rows.
create table happenings (
    name_id integer not null,
    visitor_id integer not null,
    last_at_ms integer not null,
    primary key (name_id, visitor_id)
) strict, without rowid;

create table happenings_upto (
    event_id integer not null
) strict;
insert into happenings_upto values (0);

create trigger happenings_forget after delete on events
when exists (
    select 1 from happenings where name_id = old.name_id and visitor_id = old.visitor_id
        and last_at_ms <= old.happened_at_ms
)
begin
    delete from happenings where name_id = old.name_id and visitor_id = old.visitor_id;
    insert into happenings
        select old.name_id, old.visitor_id, max(happened_at_ms) from events
        where visitor_id = old.visitor_id and +name_id = old.name_id
        having count(*) > 0;
end;
