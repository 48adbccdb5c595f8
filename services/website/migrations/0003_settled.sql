-- Up to where stock-level has handled every event of a beer.
alter table beers add column settled bigint not null default 0;
update beers set settled = shown_sequence;
