-- What each accepted order got, until it is delivered or back: the warehouse takes back what it gave out, once, and
-- nothing else.
create table given_out (
    order_id   text  not null primary key,
    -- Its lines as JSON, while they are out. Missing for an order from before they were kept.
    lines      text,
    -- The event that says that the order is delivered or back.
    closed_by  text
) without rowid;

-- Orders from before: decided, and perhaps back. What they got was not kept.
insert into given_out (order_id, closed_by)
select substr(decided.id, 7),
       case when exists (select 1 from inbox where id = 'returned ' || substr(decided.id, 7)) then '' end
from inbox as decided
where decided.id like 'order %';
