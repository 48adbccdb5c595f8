-- Whose episode this file is, and the word that makes the ids of its events its own.
create table store_identity (
    episode  bigint not null,
    seal     text   not null,
    nonce    text   not null
);

-- What was handled: event ids, order ids, message ids. Kept for the whole episode, since a killed broker may send
-- thousands of acknowledged messages again.
create table inbox (
    id text not null primary key
) without rowid;

-- What is to be published, in order; a row goes when the broker has confirmed it.
create table outbox (
    id          integer primary key autoincrement,
    topic       text   not null,
    key         text   not null,
    at          bigint not null,
    order_id    text,
    deliver_at  bigint,
    payload     blob   not null
);
