//! The files of a service's databases, across brokers and episodes.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use anyhow::Result;
use store::{Migrator, Store, record_once, testing::Folder};

static NO_TABLES: Migrator = Migrator::DEFAULT;

/// The databases of one service.
#[derive(Default)]
struct Files(Folder);

impl Files {
    async fn open(&self, episode: u32, episode_id: Option<&str>) -> Result<Store> {
        Ok(Store::open(&self.0, "website", episode, episode_id, &NO_TABLES).await?)
    }

    /// Opens the database of an episode, records a word in it and returns whether it was there.
    async fn knows(&self, episode: u32, episode_id: Option<&str>, word: &str) -> Result<bool> {
        let store = self.open(episode, episode_id).await?;
        let mut transaction = store.begin().await?;
        let known = !record_once(&mut transaction, word).await?;
        transaction.commit().await?;
        store.close().await;
        Ok(known)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&*self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn the_database_of_a_broker_is_found_again_after_another_broker() -> Result<()> {
    let folder = Files::default();
    assert!(!folder.knows(1, None, "order").await?, "no broker has said which episode runs");
    for (episode_id, known) in
        [("a", true), ("b", false), ("a", true), ("c", false), ("b", true), ("c", true), ("a", true)]
    {
        assert_eq!(folder.knows(1, Some(episode_id), "order").await?, known, "{episode_id}");
    }
    assert_eq!(folder.names(), ["website-1.sqlite", "website-1.sqlite.b", "website-1.sqlite.c"]);
    Ok(())
}

#[tokio::test]
async fn who_was_killed_between_two_renames_finds_the_database_again() -> Result<()> {
    let folder = Files::default();
    folder.knows(1, Some("a"), "order").await?;
    let (file, aside) = (folder.0.join("website-1.sqlite"), folder.0.join("website-1.sqlite.a"));
    std::fs::rename(file, aside)?;
    assert!(folder.knows(1, Some("a"), "order").await?);
    Ok(())
}

#[tokio::test]
async fn a_database_that_another_program_has_open_is_not_torn_from_it() -> Result<()> {
    let folder = Files::default();
    let other = folder.open(1, Some("a")).await?;
    let mut transaction = other.begin().await?;
    record_once(&mut transaction, "order").await?;
    transaction.commit().await?;
    let refused = format!("{:#}", folder.open(1, Some("b")).await.err().unwrap());
    assert!(refused.contains("another program has website-1.sqlite open"), "{refused}");
    other.close().await;
    assert!(!folder.knows(1, Some("b"), "order").await?);
    assert!(folder.knows(1, Some("a"), "order").await?);
    Ok(())
}

#[tokio::test]
async fn the_number_of_an_episode_deletes_nothing_but_what_is_older_than_five() -> Result<()> {
    let folder = Files::default();
    for episode in 1..=7 {
        folder.knows(episode, Some("a"), "order").await?;
    }
    std::fs::write(folder.0.join("website-settings-1.sqlite"), "somebody else's")?;
    let kept = folder.names();
    assert_eq!(kept.len(), 7, "six databases and the file of somebody else: {kept:?}");
    assert!(!kept.contains(&"website-1.sqlite".to_owned()));
    folder.knows(999_999, Some("forged"), "order").await?;
    for episode in 3..=7 {
        assert!(folder.names().contains(&format!("website-{episode}.sqlite")), "{:?}", folder.names());
    }
    assert!(folder.knows(7, Some("a"), "order").await?);
    Ok(())
}

#[tokio::test]
async fn the_databases_of_other_brokers_are_kept_up_to_a_limit() -> Result<()> {
    let folder = Files::default();
    for broker in 0..30 {
        folder.knows(1, Some(&format!("broker-{broker}")), "order").await?;
    }
    // The running one, those set aside, and one that was set aside after the old ones were deleted.
    assert!((20..=22).contains(&folder.names().len()), "{:?}", folder.names());
    assert!(folder.knows(1, Some("broker-28"), "order").await?);
    Ok(())
}
