-- Whether a decision about the order was believed.
alter table orders add column decided bigint not null default 0;
update orders set decided = 1 where status <> 'placed';

-- Messages about an order that was not placed or not decided yet, as far as it was known, in the order they came.
create table waiting (
    place        integer not null primary key autoincrement,
    event_id     text    not null unique,
    order_id     text    not null,
    topic        text    not null,
    ledger       bigint  not null,
    entry        bigint  not null,
    batch_index  bigint  not null,
    batch_size   bigint  not null,
    at           bigint  not null,
    -- Since when it waits, and for what.
    since        bigint  not null,
    code         text    not null,
    message      text    not null
);

create index waiting_by_order on waiting (order_id);
create index waiting_by_since on waiting (since);
