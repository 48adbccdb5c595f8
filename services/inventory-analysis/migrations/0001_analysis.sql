-- Everything aggregated, a row each: an order, a beer, a minute of sales, the totals. `facts` is JSON, always written
-- the same way, so that a rebuild can be compared with it byte for byte.
create table aggregate (
    subject  text  not null,
    key      text  not null,
    facts    text  not null,
    primary key (subject, key)
);

-- How far each topic is counted in the rows above: the last message, written in the same transaction.
create table checkpoint (
    topic        text   not null primary key,
    ledger       bigint not null,
    entry        bigint not null,
    batch_index  bigint not null,
    batch_size   bigint not null
);
