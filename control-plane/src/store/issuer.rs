//! Who is behind each provider's id.

use sqlx::SqliteConnection;

use super::StoreError;

/// Writes down who is behind an id now; returns who was before, when that was another.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, provider: &str, issuer: &str) -> Result<Option<String>, StoreError> {
    let before: Option<String> = sqlx::query_scalar("SELECT issuer FROM issuer WHERE provider = ?")
        .bind(provider)
        .fetch_optional(&mut *conn)
        .await?;
    if before.as_deref() == Some(issuer) {
        return Ok(None);
    }
    let put = "INSERT INTO issuer (provider, issuer) VALUES (?1, ?2) ON CONFLICT (provider) DO UPDATE SET issuer = ?2";
    sqlx::query(put).bind(provider).bind(issuer).execute(conn).await?;
    Ok(before)
}
