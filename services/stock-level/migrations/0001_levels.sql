-- The level of each beer as it was written last.
create table levels (
    beer      text   not null primary key,
    level     bigint not null,
    sequence  bigint not null,
    written   bigint not null
);
