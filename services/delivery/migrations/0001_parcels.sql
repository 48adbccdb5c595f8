-- The book of parcels: one row an order, how far it has come, and of a stranded one the task that failed last.
create table parcels (
    order_id  text   not null primary key,
    state     text   not null,
    round     bigint not null,
    attempts  bigint not null,
    courier   text,
    task      text
);
