//! The database while other programs use its file, and on a full disk.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::time::Duration;

use store::{Migrator, Store, StoreError, record_once, testing::Folder};
use tokio::{task::JoinHandle, time::timeout};

/// Longer than SQLite itself waits for a lock.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

static NO_TABLES: Migrator = Migrator::DEFAULT;

async fn open(folder: &Folder) -> Store {
    Store::open(folder, "website", 1, Some("5f3a9c"), &NO_TABLES).await.unwrap()
}

fn write(store: &Store, id: &'static str) -> JoinHandle<Result<bool, StoreError>> {
    let store = store.clone();
    tokio::spawn(async move {
        let mut transaction = store.begin().await?;
        let new = record_once(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(new)
    })
}

async fn until(is_so: impl Fn() -> bool) {
    let soon = async {
        while !is_so() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(LIMIT, soon).await.unwrap();
}

#[tokio::test]
async fn who_writes_waits_for_another_program_however_long_it_holds_the_lock() {
    let folder = Folder::default();
    let (store, browser) = (open(&folder).await, open(&folder).await);
    let mut lock = browser.begin().await.unwrap();
    assert!(record_once(&mut lock, "theirs").await.unwrap());
    let writing = [write(&store, "a"), write(&store, "b")];
    // Longer than SQLite waits by itself: from here on we retry.
    until(|| store.is_locked()).await;
    // Readers do not wait.
    let read = sqlx::query("select id from inbox").fetch_all(store.reader());
    assert!(timeout(LIMIT, read).await.unwrap().unwrap().is_empty());
    assert!(writing.iter().all(|writing| !writing.is_finished()));
    lock.commit().await.unwrap();
    for writing in writing {
        assert!(timeout(LIMIT, writing).await.unwrap().unwrap().unwrap());
    }
    assert!(!store.is_locked());
    let repeated = timeout(LIMIT, write(&store, "theirs")).await.unwrap().unwrap().unwrap();
    assert!(!repeated, "what the other program wrote is there as well");
}

#[tokio::test]
async fn a_wait_that_is_given_up_is_over() {
    let folder = Folder::default();
    let (store, browser) = (open(&folder).await, open(&folder).await);
    let lock = browser.begin().await.unwrap();
    let writing = write(&store, "a");
    until(|| store.is_locked()).await;
    writing.abort();
    until(|| !store.is_locked()).await;
    drop(lock);
    assert!(timeout(LIMIT, write(&store, "a")).await.unwrap().unwrap().unwrap());
}

#[tokio::test]
async fn who_opens_waits_as_well() {
    let folder = Folder::default();
    let browser = open(&folder).await;
    let lock = browser.begin().await.unwrap();
    // With tables that do not exist yet.
    let tables = sqlx::migrate!("../../services/warehouse/migrations");
    let path = folder.to_path_buf();
    let opening = tokio::spawn(async move { Store::open(&path, "website", 1, Some("5f3a9c"), &tables).await });
    let early = timeout(Duration::from_secs(3), async {
        while !opening.is_finished() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    assert!(early.await.is_err(), "it waits");
    drop(lock);
    let store = timeout(LIMIT, opening).await.unwrap().unwrap().unwrap();
    assert!(sqlx::query("select beer from shelf").fetch_all(store.reader()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_of_the_transaction_is_kept() {
    let folder = Folder::default();
    let store = open(&folder).await;
    assert!(write(&store, "before").await.unwrap().unwrap());
    let mut transaction = store.begin().await.unwrap();
    sqlx::query("pragma max_page_count = 1").execute(&mut *transaction).await.unwrap();
    let mut refused = None;
    for n in 0..10_000 {
        if let Err(error) = record_once(&mut transaction, &format!("{n}")).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.unwrap().to_string();
    assert!(refused.contains("database or disk is full"), "{refused}");
    drop(transaction);
    store.close().await;
    let store = open(&folder).await;
    let kept = sqlx::query("select id from inbox").fetch_all(store.reader()).await.unwrap();
    assert_eq!(kept.len(), 1, "what was committed before, and nothing else");
    assert!(write(&store, "after").await.unwrap().unwrap());
}
