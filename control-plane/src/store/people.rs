//! The people who are known by their sessions.

use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

/// A person who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who.
    pub person: PersonId,
    /// The newest user name.
    pub user: Option<String>,
    /// When a session of theirs was last used.
    pub seen_at: Timestamp,
    /// How many of their sessions live.
    pub live: u32,
}

/// The next people after `after`, by their ids, `limit` at most.
///
/// # Errors
/// When the store fails.
pub async fn page(
    conn: &mut SqliteConnection,
    now: Timestamp,
    after: Option<&PersonId>,
    limit: u32,
) -> Result<Vec<Known>, StoreError> {
    let rows = sqlx::query(
        "SELECT person, MAX(last_used_at) AS seen_at, \
         SUM(CASE WHEN ended_at IS NULL AND expires_at > ? THEN 1 ELSE 0 END) AS live, \
         (SELECT json_extract(newest.identity, '$.user') FROM session newest WHERE newest.person = session.person \
         ORDER BY newest.created_at DESC, newest.id LIMIT 1) AS user \
         FROM session WHERE person > ? GROUP BY person ORDER BY person LIMIT ?",
    )
    .bind(seconds(now))
    .bind(after.map_or("", PersonId::as_str))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Known {
            person: PersonId::from(row.try_get::<String, _>("person")?),
            user: row.try_get("user")?,
            seen_at: moment(row.try_get("seen_at")?),
            live: row.try_get("live")?,
        })
    };
    rows.iter().map(read).collect()
}
