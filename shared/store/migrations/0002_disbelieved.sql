-- How many messages of a topic are not believed, and why.
create table disbelieved (
    topic  text   not null,
    code   text   not null,
    count  bigint not null,
    primary key (topic, code)
) without rowid;
