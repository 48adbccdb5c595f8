-- The message that said so, to name it when an order is followed.
alter table shown add column event_id text not null default '';
alter table counted add column event_id text not null default '';
