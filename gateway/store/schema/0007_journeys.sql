-- Journeys: what is to be done when a subscriber's browser brings an event. `kind` is null while no
-- trigger was chosen; `value` is the name of a custom event or what a page's URL has in it. Rules
-- are kept as they were written. A deleted one goes in small steps, its own row last.
create table journeys (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    list_id integer references lists (id),
    name text not null,
    notes text not null,
    enabled integer not null,
    kind integer,
    value text not null,
    once_per_subscriber integer not null,
    format integer not null,
    trigger_rules text not null,
    run_rules text not null,
    run_match_all integer not null,
    hourly_max integer not null,
    daily_max integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    deleted_at_ms integer
) strict;
create index journeys_by_account on journeys (account_id);
create index journeys_by_list on journeys (list_id);
create index journeys_deleted on journeys (deleted_at_ms) where deleted_at_ms is not null;

-- What a journey runs: posts to a URL, in their order. The secret before is valid besides until an
-- instant. One whose endpoint said it is gone gets nothing more; a removed one goes with its
-- deliveries, in small steps.
create table webhooks (
    id integer primary key autoincrement,
    journey_id integer not null references journeys (id),
    place integer not null,
    url text not null,
    headers text not null,
    payload text not null,
    signature_header text not null,
    secret text not null,
    secret_before text not null,
    before_until_ms integer not null,
    gone_at_ms integer,
    removed_at_ms integer
) strict;
create index webhooks_by_journey on webhooks (journey_id);
create index webhooks_removed on webhooks (removed_at_ms) where removed_at_ms is not null;

-- Who came into a journey by which event. No foreign key to events: they may leave by their age.
create table enrolments (
    id integer primary key,
    journey_id integer not null references journeys (id),
    subscriber_id integer not null references subscribers (id),
    event_id integer not null,
    at_ms integer not null,
    unique (journey_id, event_id)
) strict;
create index enrolments_by_subscriber on enrolments (subscriber_id, journey_id);
create index enrolments_by_time on enrolments (journey_id, at_ms);

-- The webhooks that are owed, written with the event that owes them. `state` is 0 waiting,
-- 1 delivered, 2 dead. `due_at_ms` is null where nothing is to be sent: it ended, or one before it
-- to the same endpoint for the same subscriber still waits. The body goes once it is delivered.
create table outbox (
    id integer primary key autoincrement,
    delivery_id text not null,
    webhook_id integer not null references webhooks (id),
    subscriber_id integer not null references subscribers (id),
    event_id integer not null,
    body text not null,
    state integer not null,
    due_at_ms integer,
    give_up_at_ms integer not null,
    attempts integer not null,
    written_at_ms integer not null,
    ended_at_ms integer,
    outcome text not null
) strict;
create index outbox_by_webhook on outbox (webhook_id, state, id);
create index outbox_by_subscriber on outbox (subscriber_id, webhook_id, state);
create index outbox_due on outbox (webhook_id, due_at_ms) where due_at_ms is not null;
create index outbox_waiting on outbox (give_up_at_ms) where state = 0;
create index outbox_ended on outbox (ended_at_ms) where ended_at_ms is not null;
