//! The store: one SQLite file. A file here per aggregate, each with the only SQL about it.
//!
//! Every change is one transaction, begun as a writer (`BEGIN IMMEDIATE`) on the one writing
//! connection, and committed once at its end. The write-ahead log is synced at each commit
//! (`synchronous = FULL`), so what was acknowledged outlives a killed process and a lost machine.

pub mod bundle_version;
pub mod code;
pub mod device;
pub mod disabled;
pub mod elevation;
pub mod issuer;
pub mod login_state;
pub mod logout_token;
pub mod people;
pub mod pomerium_request;
pub mod refresh;
pub mod revocation;
pub mod scim;
pub mod service_account;
pub mod session;
pub mod sign_in;
pub mod token_key;
pub mod workload_token;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};
use tokio::sync::Notify;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The file cannot be made or opened.
    #[error("the store {} cannot be opened: {source} (check the folder and its rights)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the store's schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The program is stopping.
    #[error("the store is being closed")]
    Closing(#[source] tokio::task::JoinError),
    /// Something in the store is not as this program wrote it.
    #[error("the store holds a {what} that cannot be read")]
    Corrupt {
        /// What it should have been.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        source: serde_json::Error,
    },
}

/// Makes the file readable by its owner only; `SQLite` gives its other files the same rights.
fn private_file(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|source| StoreError::File { path: path.to_owned(), source })
}

/// How the store writes a moment.
fn seconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.seconds()).unwrap_or(i64::MAX)
}

/// The moment that the store wrote as `seconds`.
fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(u64::try_from(seconds).unwrap_or(0))
}

/// A transaction that may write.
pub type Write = Transaction<'static, Sqlite>;

/// Commits, and then wakes `news`: also when the caller has hung up meanwhile, for that undoes no commit.
///
/// # Errors
/// When the store fails.
pub async fn commit_and_wake(tx: Write, news: Arc<Notify>) -> Result<(), StoreError> {
    let commit = async move {
        tx.commit().await?;
        news.notify_one();
        Ok(())
    };
    tokio::spawn(commit).await.map_err(StoreError::Closing)?
}

/// The SHA-256 of a secret that only its holder has. High entropy makes a plain hash enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// A hash that was made with a key: for a secret that is too short for a plain one.
    #[must_use]
    pub fn keyed(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Store {
    /// Opens the store at `path`, making it and bringing its schema up to date as needed.
    ///
    /// # Errors
    /// When the file cannot be opened or made, or is not a store of this program.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        private_file(path)?;
        // A caller that is cut off while its transaction begins, and a full disk, leave the driver inside a transaction that
        // nobody ends: such a connection is replaced.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!().run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { readers, writer })
    }

    /// Begins a transaction that may write; no other is open at the same time.
    ///
    /// # Errors
    /// When the database is busy for too long or gone.
    pub async fn write(&self) -> Result<Write, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn read(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// Closes the store, once what is under way has ended.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_hangs_up_does_not_keep_the_writing_connection() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        for turn in 0..1000 {
            let its = store.clone();
            let writes = tokio::spawn(async move {
                let mut tx = its.write().await?;
                revocation::purge(&mut tx, Timestamp::default()).await?;
                Ok::<_, StoreError>(tx.commit().await?)
            });
            let patience = std::time::Instant::now() + Duration::from_micros(turn % 500);
            while std::time::Instant::now() < patience {
                tokio::task::yield_now().await;
            }
            writes.abort();
            let _ = writes.await;
        }
        store.write().await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn writing_goes_on_after_sqlite_has_rolled_back_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let mut tx = store.write().await.unwrap();
        // What a full disk does.
        sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await.unwrap();
        assert!(tx.commit().await.is_err());
        store.write().await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_store_of_before_keeps_who_is_signed_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubegate.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).foreign_keys(true);
        let before = SqlitePoolOptions::new().connect_with(options).await.unwrap();
        let mut migrations = sqlx::migrate!();
        let old = migrations.migrations.iter().filter(|migration| migration.version <= 6).cloned();
        migrations.migrations = old.collect::<Vec<_>>().into();
        migrations.run(&before).await.unwrap();
        let identity = r#"{"provider":"corp","subject":"1","user":"alice"}"#;
        let insert = format!(
            "INSERT INTO session (id, kind, person, identity, auth_time, signed_in_at, created_at, last_used_at, expires_at) \
             VALUES ('s_1', 'cli', 'corp:1', '{identity}', 1, 1, 1, 1, 4000000000), \
             ('s_2', 'browser', 'corp:1', '{identity}', 1, 1, 2, 1, 4000000000); \
             INSERT INTO refresh_secret (hash, session, created_at) VALUES (x'00', 's_1', 1); \
             INSERT INTO token_key (kid, sealed_seed, created_at, signs_from) VALUES ('k', x'00', 1, 1)"
        );
        sqlx::raw_sql(&insert).execute(&before).await.unwrap();
        before.close().await;

        let store = Store::open(&path).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let sessions = session::live_of(&mut conn, &"corp:1".into(), Timestamp::from_seconds(2)).await.unwrap();
        let kinds: Vec<_> = sessions.iter().map(|session| session.kind).collect();
        assert_eq!(kinds, [session::SessionKind::Cli, session::SessionKind::Browser]);
        let secrets: i64 =
            sqlx::query_scalar("SELECT count(*) FROM refresh_secret").fetch_one(&mut *conn).await.unwrap();
        assert_eq!(secrets, 1, "nobody has to sign in again");
        let keys = token_key::all(&mut conn, token_key::Purpose::Session).await.unwrap();
        assert_eq!(keys.len(), 1, "and the tokens in hand are good");
    }

    #[tokio::test]
    async fn only_the_owner_reads_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let mut tx = store.write().await.unwrap();
        revocation::purge(&mut tx, Timestamp::default()).await.unwrap();
        tx.commit().await.unwrap();
        let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap).collect();
        assert!(files.len() >= 2, "the database and its log: {files:?}");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        let missing = Store::open(&dir.path().join("nowhere/kubegate.db")).await.unwrap_err();
        assert!(missing.to_string().contains("nowhere/kubegate.db"), "{missing}");
    }
}
