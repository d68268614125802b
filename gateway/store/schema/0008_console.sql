-- Who is signed in to the console. Kept as digests, so the file opens no session; ended by deleting
-- the row. The fingerprint is the password's: with another one the session is over.
create table sessions (
    id integer primary key,
    account_id integer not null references accounts (id),
    digest blob not null unique,
    fingerprint text not null,
    agent text not null,
    address text not null,
    created_at_ms integer not null,
    seen_at_ms integer not null,
    expires_at_ms integer not null
) strict;
create index sessions_by_account on sessions (account_id);

-- What a key may do: read, write, or admin. Those there are could do everything, and still can.
alter table api_keys add column scope text not null default 'admin';

-- Whose days the list's figures are counted in.
alter table lists add column time_zone text not null default 'UTC';
