-- Why a message is unreadable, for programs.
alter table unreadable add column code text not null default 'undecodable';
