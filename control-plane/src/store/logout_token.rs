//! Logout tokens of providers that were obeyed, so that none is taken twice.

use sqlx::SqliteConnection;

use super::{SecretHash, StoreError, seconds};
use kubegate_core::time::Timestamp;

/// How many are remembered of one provider. Who has more taken within minutes has them refused.
pub const MOST: i64 = 100_000;

/// Takes a token by its `jti`; `false` when it was taken before, or too many were. It is remembered until `until`, when it
/// has expired.
///
/// # Errors
/// When the store fails.
pub async fn take(
    conn: &mut SqliteConnection,
    provider: &str,
    jti: SecretHash,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO logout_token (provider, jti, until) SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM logout_token WHERE \
         provider = ?1) < ?4 ON CONFLICT DO NOTHING",
    )
    .bind(provider)
    .bind(jti.as_bytes())
    .bind(seconds(until))
    .bind(MOST)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets those that have expired.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM logout_token WHERE until < ?").bind(seconds(now)).execute(conn).await?;
    Ok(())
}
