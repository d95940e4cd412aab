//! Which session a workload's own token was traded for.

use sqlx::SqliteConnection;

use super::{SecretHash, StoreError};
use kubegate_core::id::SessionId;

/// Notes the session that a token was traded for.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, token: SecretHash, session: &SessionId) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO workload_token (hash, session) VALUES (?, ?)")
        .bind(token.as_bytes())
        .bind(session.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// The session that a token was traded for, while that is remembered.
///
/// # Errors
/// When the store fails.
pub async fn session_of(conn: &mut SqliteConnection, token: SecretHash) -> Result<Option<SessionId>, StoreError> {
    let session: Option<String> = sqlx::query_scalar("SELECT session FROM workload_token WHERE hash = ?")
        .bind(token.as_bytes())
        .fetch_optional(conn)
        .await?;
    Ok(session.map(SessionId::from))
}
