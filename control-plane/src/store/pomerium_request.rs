//! Sign-ins of pomerium-cli that came to their end.

use sqlx::SqliteConnection;

use super::{StoreError, seconds};
use kubegate_core::time::Timestamp;

/// Spends a request; `false` when it was spent before.
///
/// # Errors
/// When the store fails.
pub async fn spend(conn: &mut SqliteConnection, id: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("INSERT INTO pomerium_request (id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(id)
        .bind(seconds(expires_at))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets those that count no more anyway.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM pomerium_request WHERE expires_at < ?").bind(seconds(now)).execute(conn).await?;
    Ok(())
}
