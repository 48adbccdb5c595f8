-- What is on the shelf: one row a beer.
create table shelf (
    beer      text   not null primary key,
    level     bigint not null,
    sequence  bigint not null
);
