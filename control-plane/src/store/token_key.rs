//! The keys that sign session tokens, encrypted.

use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::time::Timestamp;

/// What a key signs, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Session tokens, and access tokens for our own API.
    Session,
    /// Tokens for pomerium-cli.
    Pomerium,
}

impl Purpose {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Pomerium => "pomerium",
        }
    }
}

/// A key as the store holds it.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its id, as in the header of what it signs.
    pub kid: String,
    /// Its seed, sealed for this row.
    pub sealed_seed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign; it is published before.
    pub signs_from: Timestamp,
    /// When it is no longer published; `None` while nothing has taken its place.
    pub retires_at: Option<Timestamp>,
}

/// Writes a new key down.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, purpose: Purpose, key: &StoredKey) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO token_key (purpose, kid, sealed_seed, created_at, signs_from) VALUES (?, ?, ?, ?, ?)")
        .bind(purpose.as_str())
        .bind(&key.kid)
        .bind(&key.sealed_seed)
        .bind(seconds(key.created_at))
        .bind(seconds(key.signs_from))
        .execute(conn)
        .await?;
    Ok(())
}

/// All keys for a purpose, the oldest first.
///
/// # Errors
/// When the store fails.
pub async fn all(conn: &mut SqliteConnection, purpose: Purpose) -> Result<Vec<StoredKey>, StoreError> {
    let rows = sqlx::query(
        "SELECT kid, sealed_seed, created_at, signs_from, retires_at FROM token_key WHERE purpose = ? ORDER BY \
         signs_from, kid",
    )
    .bind(purpose.as_str())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredKey {
                kid: row.try_get("kid")?,
                sealed_seed: row.try_get("sealed_seed")?,
                created_at: moment(row.try_get("created_at")?),
                signs_from: moment(row.try_get("signs_from")?),
                retires_at: row.try_get::<Option<i64>, _>("retires_at")?.map(moment),
            })
        })
        .collect()
}

/// Decides when the keys for a purpose that sign before `successor` are no longer published.
///
/// # Errors
/// When the store fails.
pub async fn retire_before(
    conn: &mut SqliteConnection,
    purpose: Purpose,
    successor: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE token_key SET retires_at = ? WHERE purpose = ? AND signs_from < ? AND retires_at IS NULL")
        .bind(seconds(at))
        .bind(purpose.as_str())
        .bind(seconds(successor))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes every key for a purpose but `kid` out of publication at `at`, however long it was to stay.
///
/// # Errors
/// When the store fails.
pub async fn retire_others(
    conn: &mut SqliteConnection,
    purpose: Purpose,
    kid: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE token_key SET retires_at = min(coalesce(retires_at, ?1), ?1) WHERE kid <> ?2 AND purpose = ?3")
        .bind(seconds(at))
        .bind(kid)
        .bind(purpose.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Decides when all keys for a purpose that nothing has taken the place of are no longer published.
///
/// # Errors
/// When the store fails.
pub async fn retire_all(conn: &mut SqliteConnection, purpose: Purpose, at: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE token_key SET retires_at = ? WHERE retires_at IS NULL AND purpose = ?");
    done.bind(seconds(at)).bind(purpose.as_str()).execute(conn).await?;
    Ok(())
}

/// Writes a key's seed down as it is sealed now.
///
/// # Errors
/// When the store fails.
pub async fn reseal(conn: &mut SqliteConnection, kid: &str, sealed_seed: &[u8]) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE token_key SET sealed_seed = ? WHERE kid = ?").bind(sealed_seed).bind(kid);
    done.execute(conn).await?;
    Ok(())
}

/// Forgets keys for a purpose that are no longer published.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, purpose: Purpose, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM token_key WHERE purpose = ? AND retires_at < ?");
    Ok(done.bind(purpose.as_str()).bind(seconds(now)).execute(conn).await?.rows_affected())
}
