-- What could not be taken: the requests that brought refused events, as much of each as a replay
-- needs, and the events with what is wrong with them. Kept apart, because five hundred events may
-- share one request. `facts` and `payload` are JSON.
create table quarantine_requests (
    id integer primary key,
    list_id integer not null references lists (id),
    door integer not null,
    visitor blob,
    received_at_ms integer not null,
    format integer not null,
    facts text not null
) strict;
create index quarantine_requests_by_visitor on quarantine_requests (list_id, visitor);
create index quarantine_requests_by_age on quarantine_requests (received_at_ms);

-- autoincrement: an id that somebody noted never becomes another event's. `bytes` is what the row
-- counts for against the list's bound: its own texts, and the request's where it came first.
create table quarantine (
    id integer primary key autoincrement,
    list_id integer not null references lists (id),
    request_id integer not null references quarantine_requests (id),
    unique_id blob not null,
    payload text not null,
    problems text not null,
    bytes integer not null,
    unique (list_id, unique_id)
) strict;
create index quarantine_by_list on quarantine (list_id, id);
create index quarantine_by_request on quarantine (request_id);

-- How much of a list is in quarantine, so that its bound is held without counting.
create table quarantine_sizes (
    list_id integer not null primary key references lists (id),
    rows integer not null,
    bytes integer not null
) strict, without rowid;
