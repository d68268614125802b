-- What a list's events add up to, by its own days: of each facet (all, hour, event, page, …) every
-- value that occurred, its events and its visitors. `day` counts days since 1970-01-01 by the
-- list's time zone, `counts` is msgpack. Folded in at our own pace up to `figures_upto`, so that an
-- event on its way costs nothing more.
create table figures (
    id integer primary key,
    list_id integer not null references lists (id),
    facet integer not null,
    day integer not null,
    format integer not null,
    counts blob not null,
    unique (list_id, facet, day)
) strict;

create table figures_upto (
    event_id integer not null
) strict;
insert into figures_upto values (0);

-- Days by UTC whose figures have to be counted anew, and how often that was said, so that who has
-- counted sees whether it was said again meanwhile.
create table figures_stale (
    list_id integer not null references lists (id),
    day integer not null,
    marks integer not null,
    primary key (list_id, day)
) strict, without rowid;

create trigger figures_forget after delete on events
when exists (select 1 from lists where id = old.list_id and deleted_at_ms is null)
begin
    insert into figures_stale (list_id, day, marks)
        values (old.list_id, old.happened_at_ms / 86400000, 1)
        on conflict do update set marks = marks + 1;
end;

-- Other days than before. A day of one zone has its instants on the same day of another, on the one
-- before, or on the one after.
create trigger figures_anew after update of time_zone on lists
when old.time_zone <> new.time_zone
begin
    insert into figures_stale (list_id, day, marks)
        select distinct new.id, day + offset, 1
        from figures, (select -1 as offset union all select 0 union all select 1)
        where list_id = new.id and facet = 0
        on conflict do update set marks = marks + 1;
end;

-- What a list earned, and what its mails' links brought, between two instants; and whom of its
-- visitors we know.
create index conversions_by_time on conversions (list_id, happened_at_ms, currency, value);
drop index clicks_by_list;
create index clicks_by_list on clicks (list_id, clicked_at_ms, marked, campaign);
create index visitors_bound on visitors (list_id, subscriber_id) where subscriber_id is not null;
