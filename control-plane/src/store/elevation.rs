//! Elevations: extra groups of one person on one cluster for a while.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::{ClusterName, ElevationId, PersonId};
use kubegate_core::time::Timestamp;

/// One elevation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elevation {
    /// Its id.
    pub id: ElevationId,
    /// Whose groups grow.
    pub person: PersonId,
    /// The person's user name, as far as it was known.
    pub user: Option<String>,
    /// Where.
    pub cluster: ClusterName,
    /// The extra groups.
    pub groups: Vec<String>,
    /// What it is for.
    pub reason: String,
    /// The administrator's user name.
    pub granted_by: String,
    /// When it began.
    pub granted_at: Timestamp,
    /// When it ends, or has ended.
    pub until: Timestamp,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
}

const COLUMNS: &str = "id, person, user, cluster, groups, reason, granted_by, granted_at, until, ended_by";

/// Writes a new elevation down.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, elevation: &Elevation) -> Result<(), StoreError> {
    let groups = serde_json::to_string(&elevation.groups)
        .map_err(|source| StoreError::Corrupt { what: "list of groups", source })?;
    let sql = format!("INSERT INTO elevation ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlx::query(&sql)
        .bind(elevation.id.as_str())
        .bind(elevation.person.as_str())
        .bind(&elevation.user)
        .bind(elevation.cluster.as_str())
        .bind(groups)
        .bind(&elevation.reason)
        .bind(&elevation.granted_by)
        .bind(seconds(elevation.granted_at))
        .bind(seconds(elevation.until))
        .bind(&elevation.ended_by)
        .execute(conn)
        .await?;
    Ok(())
}

/// The elevation with this id, ended or not.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, id: &ElevationId) -> Result<Option<Elevation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM elevation WHERE id = ?");
    sqlx::query(&sql).bind(id.as_str()).fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// All elevations that end after `since`, those that end first coming first.
///
/// # Errors
/// When the store fails.
pub async fn ending_after(conn: &mut SqliteConnection, since: Timestamp) -> Result<Vec<Elevation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM elevation WHERE until > ? ORDER BY until, id");
    sqlx::query(&sql).bind(seconds(since)).fetch_all(conn).await?.iter().map(read).collect()
}

/// The same of one person.
///
/// # Errors
/// When the store fails.
pub async fn of_ending_after(
    conn: &mut SqliteConnection,
    person: &PersonId,
    since: Timestamp,
) -> Result<Vec<Elevation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM elevation WHERE person = ? AND until > ? ORDER BY until, id");
    sqlx::query(&sql).bind(person.as_str()).bind(seconds(since)).fetch_all(conn).await?.iter().map(read).collect()
}

/// How many elevations end after `since`.
///
/// # Errors
/// When the store fails.
pub async fn count_ending_after(conn: &mut SqliteConnection, since: Timestamp) -> Result<usize, StoreError> {
    let count: i64 = sqlx::query("SELECT count(*) FROM elevation WHERE until > ?")
        .bind(seconds(since))
        .fetch_one(conn)
        .await?
        .try_get(0)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Ends one elevation now; `false` when it had ended before.
///
/// # Errors
/// When the store fails.
pub async fn end(conn: &mut SqliteConnection, id: &ElevationId, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE elevation SET until = ?, ended_by = ? WHERE id = ? AND until > ?")
        .bind(seconds(now))
        .bind(by)
        .bind(id.as_str())
        .bind(seconds(now))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all elevations of a person now; how many there were.
///
/// # Errors
/// When the store fails.
pub async fn end_all_of(
    conn: &mut SqliteConnection,
    person: &PersonId,
    by: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query("UPDATE elevation SET until = ?, ended_by = ? WHERE person = ? AND until > ?")
        .bind(seconds(now))
        .bind(by)
        .bind(person.as_str())
        .bind(seconds(now))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Forgets elevations that ended before `before`.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM elevation WHERE until <= ?").bind(seconds(before)).execute(conn).await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Elevation, StoreError> {
    let groups: String = row.try_get("groups")?;
    Ok(Elevation {
        id: ElevationId::from(row.try_get::<String, _>("id")?),
        person: PersonId::from(row.try_get::<String, _>("person")?),
        user: row.try_get("user")?,
        cluster: ClusterName::from(row.try_get::<String, _>("cluster")?),
        groups: serde_json::from_str(&groups)
            .map_err(|source| StoreError::Corrupt { what: "list of groups", source })?,
        reason: row.try_get("reason")?,
        granted_by: row.try_get("granted_by")?,
        granted_at: moment(row.try_get("granted_at")?),
        until: moment(row.try_get("until")?),
        ended_by: row.try_get("ended_by")?,
    })
}
