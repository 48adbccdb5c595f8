-- The database is the shop's: what the stage shows, the stage reads from the topics.
create table levels (
    beer     text   not null primary key,
    bottles  bigint not null,
    -- Which of stock-level's writes says so.
    written  bigint not null
) without rowid;
insert into levels (beer, bottles, written)
select beer, shown_level, shown_written from beers where shown_level is not null;

drop table beers;
drop table shown;
drop table counted;
drop table insights;
drop table unreadable;

-- Orders that delivery has given up: the log is no longer waited for.
update orders set status = 'returned' where returned = 1;
alter table orders drop column released;
drop index orders_by_status;

-- The hops a customer is shown. The event id makes a repeat harmless: this is the inbox of what concerns orders.
alter table journey rename to journey_before;
create table journey (
    event_id  text   not null primary key,
    order_id  text   not null,
    at        bigint not null,
    service   text   not null,
    topic     text   not null,
    what      text   not null
) without rowid;
insert into journey (event_id, order_id, at, service, topic, what)
select event_id, order_id, at, service, topic, what from journey_before
where topic in ('orders', 'order-decisions', 'delivery-updates');
drop table journey_before;
create index journey_by_order on journey (order_id);

delete from waiting where topic not in ('orders', 'order-decisions', 'delivery-updates');
