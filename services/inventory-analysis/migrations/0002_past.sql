-- How many messages of the topic the checkpoint covers: what a rebuild has before it.
alter table checkpoint add column messages bigint not null default 0;

-- The facts of the past, a row a commit: each row has what that commit told first, as JSON, by kind of fact. Only ever
-- added to. All rows together are the time machine's memory; it reads them when it starts, and never again.
create table past (
    id     integer  not null primary key,
    facts  text     not null
);

-- Has a row while a rebuild is under way: a process that finds one when it starts knows that it was broken off.
create table rebuild_under_way (
    began_at  bigint  not null
);
