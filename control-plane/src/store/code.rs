//! Authorization codes.

use sqlx::{Row, SqliteConnection};

use super::{SecretHash, StoreError, moment, seconds};
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

/// A code that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The browser session that granted it.
    pub session: SessionId,
    /// The client that it was made for.
    pub client_id: String,
    /// Where it was sent, exactly.
    pub redirect_uri: String,
    /// The S256 challenge that its verifier must meet.
    pub code_challenge: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was traded before.
    pub spent: bool,
    /// The session that came of it.
    pub issued_session: Option<SessionId>,
}

/// Writes a new code down.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, hash: SecretHash, code: &Code) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO authorization_code (hash, session, client_id, redirect_uri, code_challenge, expires_at) VALUES \
         (?, ?, ?, ?, ?, ?)",
    )
    .bind(hash.as_bytes())
    .bind(code.session.as_str())
    .bind(&code.client_id)
    .bind(&code.redirect_uri)
    .bind(&code.code_challenge)
    .bind(seconds(code.expires_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// The code with this hash, spent or not.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, hash: SecretHash) -> Result<Option<Code>, StoreError> {
    let row = sqlx::query(
        "SELECT session, client_id, redirect_uri, code_challenge, expires_at, spent_at, issued_session FROM \
         authorization_code WHERE hash = ?",
    )
    .bind(hash.as_bytes())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Code {
            session: SessionId::from(row.try_get::<String, _>("session")?),
            client_id: row.try_get("client_id")?,
            redirect_uri: row.try_get("redirect_uri")?,
            code_challenge: row.try_get("code_challenge")?,
            expires_at: moment(row.try_get("expires_at")?),
            spent: row.try_get::<Option<i64>, _>("spent_at")?.is_some(),
            issued_session: row.try_get::<Option<String>, _>("issued_session")?.map(SessionId::from),
        })
    })
    .transpose()
}

/// Spends the code; what came of it is noted, so that a second use can end it.
///
/// # Errors
/// When the store fails.
pub async fn spend(
    conn: &mut SqliteConnection,
    hash: SecretHash,
    issued: Option<&SessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE authorization_code SET spent_at = ?, issued_session = ? WHERE hash = ? AND spent_at IS NULL")
        .bind(seconds(now))
        .bind(issued.map(SessionId::as_str))
        .bind(hash.as_bytes())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets codes that ended before `before`.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM authorization_code WHERE expires_at < ?").bind(seconds(before)).execute(conn).await?;
    Ok(())
}
