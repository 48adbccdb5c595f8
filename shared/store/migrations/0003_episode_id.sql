alter table store_identity rename column seal to episode_id;
