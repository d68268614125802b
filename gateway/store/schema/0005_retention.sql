-- How long a list keeps its events of a kind. No row: for ever.
create table retention (
    list_id integer not null references lists (id),
    kind integer not null,
    days integer not null,
    primary key (list_id, kind)
) strict, without rowid;

-- What server processes that share the file do one at a time: who does it now and until when that
-- is believed without a word from it, and when it was last done.
create table duties (
    name text primary key,
    holder text not null,
    held_until_ms integer not null,
    done_at_ms integer not null
) strict, without rowid;
