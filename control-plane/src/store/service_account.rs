//! Tokens of service accounts: what is known of each besides its session.

use sqlx::{Row, SqliteConnection};

use super::session::{self, Session, SessionKind};
use super::{StoreError, seconds};
use kubegate_core::id::{ClusterName, SessionId};
use kubegate_core::time::Timestamp;

/// A token, or one for each of several clusters.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its session.
    pub session: Session,
    /// The clusters that it is for.
    pub clusters: Vec<ClusterName>,
    /// The administrator who issued it.
    pub issued_by: String,
}

/// Writes down what a session of a service account is for.
///
/// # Errors
/// When the store fails.
pub async fn insert(
    conn: &mut SqliteConnection,
    session: &SessionId,
    clusters: &[ClusterName],
    issued_by: &str,
) -> Result<(), StoreError> {
    let clusters = serde_json::to_string(clusters).map_err(|source| StoreError::Corrupt { what: "cluster", source })?;
    sqlx::query("INSERT INTO service_account (session, clusters, issued_by) VALUES (?, ?, ?)")
        .bind(session.as_str())
        .bind(clusters)
        .bind(issued_by)
        .execute(conn)
        .await?;
    Ok(())
}

/// All that have not ended, the oldest first.
///
/// # Errors
/// When the store fails.
pub async fn live(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<ServiceAccount>, StoreError> {
    let rows = sqlx::query(
        "SELECT service_account.session, clusters, issued_by FROM service_account JOIN session ON session.id = \
         service_account.session WHERE session.kind = ? AND ended_at IS NULL AND expires_at > ? ORDER BY created_at, \
         session.id",
    )
    .bind(SessionKind::ServiceAccount.as_str())
    .bind(seconds(now))
    .fetch_all(&mut *conn)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id = SessionId::from(row.try_get::<String, _>("session")?);
        let clusters: String = row.try_get("clusters")?;
        let clusters =
            serde_json::from_str(&clusters).map_err(|source| StoreError::Corrupt { what: "cluster", source })?;
        if let Some(session) = session::find(conn, &id).await? {
            found.push(ServiceAccount { session, clusters, issued_by: row.try_get("issued_by")? });
        }
    }
    Ok(found)
}
