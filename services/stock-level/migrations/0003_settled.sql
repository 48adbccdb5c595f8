-- Up to where every event of a beer is handled, and which are beyond, as a list in JSON.
alter table levels add column settled bigint not null default 0;
alter table levels add column beyond text not null default '[]';
update levels set settled = sequence;
