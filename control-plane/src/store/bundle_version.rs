//! The versions of the bundle's documents: they grow with every publication and never go back.

use sqlx::{Row, SqliteConnection};

use kubegate_core::time::Timestamp;

use super::{StoreError, moment, seconds};

/// What has a count of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The policy.
    Policy,
    /// The live set, and the changes to it.
    Live,
}

impl Document {
    fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Live => "live",
        }
    }
}

/// The last version that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVersion {
    /// Begun anew by the operator after restoring a backup.
    pub epoch: u64,
    /// Grows within an epoch.
    pub counter: u64,
    /// What the version says, apart from its number.
    pub content_hash: Option<Vec<u8>>,
    /// When it was first given out.
    pub since: Timestamp,
}

/// The last version of `document`; `None` before the first.
///
/// # Errors
/// When the store fails.
pub async fn last(conn: &mut SqliteConnection, document: Document) -> Result<Option<StoredVersion>, StoreError> {
    let row = sqlx::query("SELECT epoch, counter, content_hash, since FROM bundle_version WHERE document = ?")
        .bind(document.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(StoredVersion {
            epoch: row.try_get::<i64, _>("epoch")?.unsigned_abs(),
            counter: row.try_get::<i64, _>("counter")?.unsigned_abs(),
            content_hash: row.try_get("content_hash")?,
            since: moment(row.try_get("since")?),
        })
    })
    .transpose()
}

/// The epoch of the store: that of the newest version; `None` before the first.
///
/// # Errors
/// When the store fails.
pub async fn epoch(conn: &mut SqliteConnection) -> Result<Option<u64>, StoreError> {
    let row = sqlx::query("SELECT max(epoch) FROM bundle_version").fetch_one(conn).await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.map(i64::unsigned_abs))
}

/// Begins an epoch: every version from now on comes after all before it.
///
/// # Errors
/// When the store fails.
pub async fn begin_epoch(conn: &mut SqliteConnection, epoch: u64) -> Result<(), StoreError> {
    for document in [Document::Policy, Document::Live] {
        put(conn, document, &StoredVersion { epoch, counter: 0, content_hash: None, since: Timestamp::default() })
            .await?;
    }
    Ok(())
}

/// Writes down the version about to be given out.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, document: Document, version: &StoredVersion) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO bundle_version (document, epoch, counter, content_hash, since) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (document) DO UPDATE SET epoch = excluded.epoch, counter = excluded.counter, \
         content_hash = excluded.content_hash, since = excluded.since",
    )
    .bind(document.as_str())
    .bind(i64::try_from(version.epoch).unwrap_or(i64::MAX))
    .bind(i64::try_from(version.counter).unwrap_or(i64::MAX))
    .bind(&version.content_hash)
    .bind(seconds(version.since))
    .execute(conn)
    .await?;
    Ok(())
}
