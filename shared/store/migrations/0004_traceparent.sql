-- The trace that a message continues. Which order it is about was only written to name a trace.
alter table outbox add column traceparent text;
alter table outbox drop column order_id;
