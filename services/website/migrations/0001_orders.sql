-- Every order of the episode, wherever it was placed.
create table orders (
    order_id         text   not null primary key,
    idempotency_key  text   unique,
    customer         text   not null,
    address          text   not null,
    lines            text   not null,
    total_cents      bigint not null,
    placed_at        bigint not null,
    status           text   not null,
    -- Set once a delivery update was seen: from then on a decision no longer changes the status.
    updated          bigint not null,
    refusal          text,
    failure          text,
    courier          text,
    attempt          bigint not null,
    retry_at         bigint,
    changed_at       bigint not null,
    -- An order has come back when delivery says so and its bottles are on the shelf again; either may be read first.
    returned         bigint not null,
    released         bigint not null
) without rowid;

create index orders_by_status on orders (status);

-- The hops of an order. The event id makes a repeat harmless: this is the inbox of what concerns orders.
create table journey (
    event_id  text   not null primary key,
    order_id  text   not null,
    at        bigint not null,
    service   text   not null,
    topic     text   not null,
    what      text   not null,
    -- Of a stock event, to see when stock-level shows it.
    beer      text,
    sequence  bigint,
    -- Of a decision: where it lies in its topic, to see when the analysis has counted it.
    ledger    bigint,
    entry     bigint
) without rowid;

create index journey_by_order on journey (order_id);

-- Each beer: the log's truth, and what stock-level shows.
create table beers (
    beer            text   not null primary key,
    level           bigint,
    sequence        bigint not null,
    shown_level     bigint,
    shown_sequence  bigint not null,
    shown_written   bigint not null,
    worker          text
);

-- When stock-level showed which sequence of a beer.
create table shown (
    beer      text   not null,
    sequence  bigint not null,
    at        bigint not null,
    level     bigint not null,
    primary key (beer, sequence)
) without rowid;

-- How far the analysis had counted the decisions, and when.
create table counted (
    ledger  bigint not null,
    entry   bigint not null,
    at      bigint not null,
    primary key (ledger, entry)
) without rowid;

-- The newest insight of each kind; of the ledger also since when it is balanced or not.
create table insights (
    kind     text   not null primary key,
    insight  text   not null,
    at       bigint not null,
    since    bigint not null
);

-- What nobody could read, by where it lies: whoever met it first.
create table unreadable (
    topic        text   not null,
    message_id   text   not null,
    reader       text   not null,
    reason       text   not null,
    first_bytes  text   not null,
    at           bigint not null,
    primary key (topic, message_id)
) without rowid;
