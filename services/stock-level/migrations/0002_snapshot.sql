-- What the log says of each beer up to a place in it, so that folding afresh need not begin at its first event.
create table snapshot (
    beer      text   not null primary key,
    level     bigint not null,
    sequence  bigint not null
);

-- That place; at most one row.
create table snapshot_until (
    only_one  integer not null primary key check (only_one = 1),
    ledger    bigint  not null,
    entry     bigint  not null
);
