-- What was ordered with a client's key, as JSON, so that another order with the same key can be told; null without a key,
-- and of orders from before this column. Keys of clients and tokens of forms are kept apart by their first word.
alter table orders add column ordered text;
update orders set idempotency_key = 'client ' || idempotency_key where idempotency_key not like 'form %';
