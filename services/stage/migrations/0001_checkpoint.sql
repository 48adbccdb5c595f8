-- What the stage knows, as it was at its last checkpoint.

-- The orders as JSON, in the order they were first stored; null of one that left.
create table orders (
    order_id  text  not null unique,
    facts     text
);

-- Everything else by subject, as JSON; how far each topic is read is one of them.
create table facts (
    subject  text  not null primary key,
    facts    text  not null
) without rowid;
