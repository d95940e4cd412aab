//! Sign-ins under way at an identity provider.

use sqlx::{Row, SqliteConnection};

use super::{SecretHash, StoreError, moment, seconds};
use kubegate_core::time::Timestamp;

/// A sign-in under way.
#[derive(Clone, Debug)]
pub struct LoginState {
    /// The provider's id.
    pub provider: String,
    /// The hash of the cookie of the browser that began it.
    pub browser: SecretHash,
    /// The nonce and the PKCE verifier, sealed for this row.
    pub sealed: Vec<u8>,
    /// The path to go to afterwards.
    pub return_to: String,
    /// Whether the person chose this on our own page, so that it needs no further question.
    pub chosen: bool,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// How many sign-ins may be under way; the oldest gives way, so that nobody can fill the store.
const MOST: i64 = 10_000;

/// Writes a new sign-in down.
///
/// # Errors
/// When the store fails.
pub async fn insert(
    conn: &mut SqliteConnection,
    state: SecretHash,
    login: &LoginState,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM login_state WHERE expires_at <= ? OR hash IN (SELECT hash FROM login_state ORDER BY expires_at DESC \
         LIMIT -1 OFFSET ?)",
    )
    .bind(seconds(now))
    .bind(MOST - 1)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO login_state (hash, provider, browser_hash, sealed, return_to, chosen, expires_at) VALUES (?, ?, ?, \
         ?, ?, ?, ?)",
    )
    .bind(state.as_bytes())
    .bind(&login.provider)
    .bind(login.browser.as_bytes())
    .bind(&login.sealed)
    .bind(&login.return_to)
    .bind(login.chosen)
    .bind(seconds(login.expires_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the sign-in with this state, begun by this browser at this provider: it can be taken once.
///
/// # Errors
/// When the store fails.
pub async fn take(
    conn: &mut SqliteConnection,
    state: SecretHash,
    browser: SecretHash,
    provider: &str,
) -> Result<Option<LoginState>, StoreError> {
    let row = sqlx::query(
        "DELETE FROM login_state WHERE hash = ? AND browser_hash = ? AND provider = ? RETURNING sealed, return_to, \
         chosen, expires_at",
    )
    .bind(state.as_bytes())
    .bind(browser.as_bytes())
    .bind(provider)
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(LoginState {
            provider: provider.to_owned(),
            browser,
            sealed: row.try_get("sealed")?,
            return_to: row.try_get("return_to")?,
            chosen: row.try_get("chosen")?,
            expires_at: moment(row.try_get("expires_at")?),
        })
    })
    .transpose()
}
