//! Opening a database, and writing to it.

use std::{
    error::Error,
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use sqlx::{
    ConnectOptions as _, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tracing::{info, warn};

use crate::{columns::Columns, files, transaction::Transaction};

/// The tables of this crate; those of a service come from its own migrations.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long SQLite itself waits for another program that holds the lock. After that a writer retries without a limit, and a
/// reader gets an error.
const BUSY_WITHIN: Duration = Duration::from_secs(1);
/// Pause between attempts to get the lock, since SQLite does not always wait.
const PAUSE: Duration = Duration::from_millis(100);
const READERS: u32 = 3;
/// Memory for pages, per connection. By default SQLite takes four times as much for each of four connections;
/// the operating system caches the same pages anyway.
const PAGES_KIB: u32 = 512;

/// Where to read: `fetch_…(store.reader())`.
pub type Reader = SqlitePool;

/// The database of one service in one episode: one connection that writes, a few that read.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
    service: String,
    nonce: String,
    /// How many callers wait for another program that holds the lock.
    waiting: Arc<AtomicUsize>,
    /// How many messages wait in the outbox.
    unpublished: Arc<AtomicI64>,
}

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The tables could not be made.
    #[error(transparent)]
    Migration(#[from] MigrateError),
    /// The folder could not be written to.
    #[error("the folder {} cannot be used", .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// A message could not be written as JSON.
    #[error("a message for the outbox cannot be written")]
    Message(#[source] serde_json::Error),
    /// A column holds, or would have to hold, what it cannot.
    #[error("{table}.{column} is {value:?}; expected {expected}")]
    Column {
        table: &'static str,
        column: &'static str,
        /// What it holds, or its beginning.
        value: String,
        /// What it should hold.
        expected: &'static str,
        #[source]
        cause: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl StoreError {
    /// Whether another program holds the lock, or a caller that waits for it holds the connection.
    fn is_locked(&self) -> bool {
        const BUSY: i32 = 5;
        const LOCKED: i32 = 6;
        let error = match self {
            StoreError::Sql(error) => error,
            StoreError::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => error,
            _ => return false,
        };
        match error {
            sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(error) => {
                let code = error.code().and_then(|code| code.parse::<i32>().ok());
                // The low byte is the kind of error, the rest are details.
                code.is_some_and(|code| matches!(code & 0xff, BUSY | LOCKED))
            }
            _ => false,
        }
    }
}

impl Store {
    /// Opens `{folder}/{service}-{episode}.sqlite`, making it if it is not there.
    ///
    /// A file that belongs to another episode of the same number (another `episode_id`, because the broker is another one) is set
    /// aside, and the file of this episode is brought back if there is one. Without an `episode_id` (the broker cannot be
    /// asked yet) the file is taken as it is, and a new one belongs to the episode that is named first. Waits while another
    /// program holds the lock of the file.
    ///
    /// # Errors
    /// If the folder or the file cannot be written, the tables cannot be made, or a file that must be set aside is in use.
    pub fn open<'a>(
        folder: &'a Path,
        service: &'a str,
        episode: u32,
        episode_id: Option<&'a str>,
        tables: &'a Migrator,
    ) -> BoxFuture<'a, Result<Self, StoreError>> {
        Box::pin(Self::open_or_replace(folder, service, episode, episode_id, tables))
    }

    async fn open_or_replace(
        folder: &Path,
        service: &str,
        episode: u32,
        episode_id: Option<&str>,
        tables: &Migrator,
    ) -> Result<Self, StoreError> {
        let in_folder = |cause| StoreError::Folder { folder: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(in_folder)?;
        files::forget_old(folder, service, episode);
        let file = files::of_episode(folder, service, episode);
        let in_place = |episode_id: Option<&str>| {
            episode_id.map_or(Ok(()), |episode_id| files::bring_back(&file, episode_id)).map_err(in_folder)
        };
        in_place(episode_id)?;
        let store = Self::open_file(&file, service, tables).await?;
        let Some(other) = store.patiently(|| store.belongs_to_another(episode, episode_id)).await? else {
            return Ok(store);
        };
        store.close().await;
        warn!(file = %file.display(), "belongs to another episode with the same number; renamed");
        files::set_aside(&file, &other).map_err(in_folder)?;
        in_place(episode_id)?;
        let store = Self::open_file(&file, service, tables).await?;
        store.patiently(|| store.belongs_to_another(episode, episode_id)).await?;
        Ok(store)
    }

    async fn open_file(file: &Path, service: &str, tables: &Migrator) -> Result<Self, StoreError> {
        patiently(service, &AtomicUsize::new(0), || Self::try_to_open(file, service, tables)).await
    }

    async fn try_to_open(file: &Path, service: &str, tables: &Migrator) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A killed process loses nothing; a power cut may lose the last commits.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_WITHIN)
            .pragma("cache_size", format!("-{PAGES_KIB}"))
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(options.clone())
            .await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .connect_lazy_with(options.read_only(true));
        migrate(&writer, tables).await?;
        let nonce = format!("{:08x}", rand::random::<u32>());
        let unpublished: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&writer).await?;
        let unpublished = Arc::new(AtomicI64::new(unpublished));
        let mut store =
            Store { writer, reader, service: service.to_owned(), nonce, waiting: Arc::default(), unpublished };
        if let Some(known) = store.known_nonce().await? {
            store.nonce = known;
        }
        Ok(store)
    }

    /// Opens the file of a past episode for reading; `None` if it does not exist any more.
    pub fn peek(folder: &Path, service: &str, episode: u32) -> Option<Self> {
        let file = files::of_episode(folder, service, episode);
        if !file.exists() {
            return None;
        }
        let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
        let reader = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        let (service, nonce, waiting, unpublished) =
            (service.to_owned(), String::new(), Arc::default(), Arc::default());
        Some(Store { writer: reader.clone(), reader, service, nonce, waiting, unpublished })
    }

    /// Begins a transaction that writes. Waits until the previous one is over, and as long as another program (a
    /// database browser) holds the lock; after that no statement of the transaction waits.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        self.patiently(|| async {
            Ok(Transaction::new(self.writer.begin_with("begin immediate").await?, &self.unpublished))
        })
        .await
    }

    /// Where to read. Readers see committed data and never wait.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// How many messages wait in the outbox, as it changes.
    pub fn unpublished(&self) -> &Arc<AtomicI64> {
        &self.unpublished
    }

    /// Whether a caller waits for another program that holds the lock.
    pub fn is_locked(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// The result of `attempt`, repeated as long as another program holds the lock.
    pub(crate) async fn patiently<T, Trying>(&self, attempt: impl FnMut() -> Trying) -> Result<T, StoreError>
    where
        Trying: Future<Output = Result<T, StoreError>>,
    {
        patiently(&self.service, &self.waiting, attempt).await
    }

    /// The id of the event in this row of the outbox. The nonce distinguishes it from events of an earlier file.
    pub(crate) fn event_id(&self, row: i64) -> String {
        format!("{}-{}-{row}", self.service, self.nonce)
    }

    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn known_nonce(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select nonce from store_identity").fetch_optional(&self.writer).await?;
        row.map(|row| Columns::of("store_identity", &row).text("nonce")).transpose()
    }

    /// The id of the other episode that this file belongs to, if it does. A file that belongs to none yet becomes this one's.
    async fn belongs_to_another(&self, episode: u32, episode_id: Option<&str>) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select episode_id from store_identity").fetch_optional(&self.writer).await?;
        let known = row.map(|row| Columns::of("store_identity", &row).text("episode_id")).transpose()?;
        match (known, episode_id) {
            (None, episode_id) => {
                sqlx::query("insert into store_identity (episode, episode_id, nonce) values ($1, $2, $3)")
                    .bind(i64::from(episode))
                    .bind(episode_id.unwrap_or_default())
                    .bind(&self.nonce)
                    .execute(&self.writer)
                    .await?;
                Ok(None)
            }
            (Some(_), None) => Ok(None),
            (Some(known), Some(episode_id)) if known.is_empty() => {
                sqlx::query("update store_identity set episode_id = $1").bind(episode_id).execute(&self.writer).await?;
                Ok(None)
            }
            (Some(known), Some(episode_id)) => Ok(Some(known).filter(|known| known != episode_id)),
        }
    }
}

/// Repeats `attempt` as long as another program holds the lock of the database; `waiting` counts the callers.
async fn patiently<T, Trying>(
    service: &str,
    waiting: &AtomicUsize,
    mut attempt: impl FnMut() -> Trying,
) -> Result<T, StoreError>
where
    Trying: Future<Output = Result<T, StoreError>>,
{
    let mut counted = None;
    loop {
        match attempt().await {
            Err(error) if error.is_locked() => {
                if counted.is_none() {
                    warn!(%error, "another program has locked the database of {service}; waiting");
                    counted = Some(Counted::in_(waiting));
                }
                tokio::time::sleep(PAUSE).await;
            }
            done => {
                if counted.is_some() {
                    info!("the database of {service} is free again");
                }
                return done;
            }
        }
    }
}

/// Counts a waiting caller, also when it is cancelled.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn in_(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Counted(waiting)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Creates the tables of this crate and those of the service; each set of migrations has its own history table.
async fn migrate(writer: &SqlitePool, tables: &Migrator) -> Result<(), StoreError> {
    let mut own = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    own.dangerous_set_table_name("store_migrations");
    own.run(writer).await?;
    tables.run(writer).await?;
    Ok(())
}
