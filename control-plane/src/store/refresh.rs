//! Refresh secrets: a tree per session, of which only hashes are kept.

use sqlx::{Row, SqliteConnection};

use super::{SecretHash, StoreError, seconds};
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

/// Where a presented refresh secret stands in its session's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The session that it belongs to.
    pub session: SessionId,
    /// Whether one of its successors has been used: then it is spent for good.
    pub successor_used: bool,
    /// Whether another successor of the same parent has been used: then the branch of this one is dead.
    pub sibling_used: bool,
}

/// Writes a new secret down.
///
/// # Errors
/// When the store fails.
pub async fn insert(
    conn: &mut SqliteConnection,
    hash: SecretHash,
    session: &SessionId,
    parent: Option<SecretHash>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO refresh_secret (hash, session, parent, created_at) VALUES (?, ?, ?, ?)")
        .bind(hash.as_bytes())
        .bind(session.as_str())
        .bind(parent.as_ref().map(SecretHash::as_bytes))
        .bind(seconds(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Where the secret with this hash stands; `None` when there is no such secret.
///
/// # Errors
/// When the store fails.
pub async fn standing(conn: &mut SqliteConnection, hash: SecretHash) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query(
        "SELECT session, \
           EXISTS (SELECT 1 FROM refresh_secret child WHERE child.parent = me.hash AND child.first_used_at IS NOT NULL) \
             AS successor_used, \
           EXISTS (SELECT 1 FROM refresh_secret other WHERE other.parent = me.parent AND other.hash <> me.hash \
             AND other.first_used_at IS NOT NULL) AS sibling_used \
         FROM refresh_secret me WHERE hash = ?",
    )
    .bind(hash.as_bytes())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Standing {
            session: SessionId::from(row.try_get::<String, _>("session")?),
            successor_used: row.try_get("successor_used")?,
            sibling_used: row.try_get("sibling_used")?,
        })
    })
    .transpose()
}

/// Notes the first use of a secret.
///
/// # Errors
/// When the store fails.
pub async fn mark_used(conn: &mut SqliteConnection, hash: SecretHash, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE refresh_secret SET first_used_at = ? WHERE hash = ? AND first_used_at IS NULL")
        .bind(seconds(now))
        .bind(hash.as_bytes())
        .execute(conn)
        .await?;
    Ok(())
}
