-- What the list does with visitors whose browser asks not to be tracked: ignore, cookieless, off.
alter table lists add column privacy text not null default 'ignore';

-- The tracker numbers the events of a browser tab: a number that is missing was lost. No index:
-- nothing on an event's way reads them, and the ledger reads them all.
alter table events add column tab integer;
alter table events add column seq integer;

-- Every script a snippet may still name, by its version, so that a page pasted years ago works.
create table scripts (
    version text primary key,
    body blob not null
) strict, without rowid;
