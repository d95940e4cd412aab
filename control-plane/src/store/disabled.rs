//! People who may not sign in.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

/// A person who may not sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Who.
    pub person: PersonId,
    /// The person's user name, as far as it was known.
    pub user: Option<String>,
    /// Why.
    pub reason: String,
    /// The administrator's user name.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

const COLUMNS: &str = "person, user, reason, disabled_by, disabled_at";

/// Disables a person; `false` when that was so before, and what was written down then stays.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, disabled: &Disabled) -> Result<bool, StoreError> {
    let sql = format!("INSERT INTO disabled_person ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (person) DO NOTHING");
    let done = sqlx::query(&sql)
        .bind(disabled.person.as_str())
        .bind(&disabled.user)
        .bind(&disabled.reason)
        .bind(&disabled.by)
        .bind(seconds(disabled.at))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// What is written down about `person`, when disabled.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, person: &PersonId) -> Result<Option<Disabled>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM disabled_person WHERE person = ?");
    let row = sqlx::query(&sql).bind(person.as_str()).fetch_optional(conn).await?;
    row.map(|row| Ok(read(&row)?)).transpose()
}

/// Everybody who is disabled.
///
/// # Errors
/// When the store fails.
pub async fn all(conn: &mut SqliteConnection) -> Result<Vec<Disabled>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM disabled_person ORDER BY person");
    let rows = sqlx::query(&sql).fetch_all(conn).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Those who were known by this user name, at most eleven.
///
/// # Errors
/// When the store fails.
pub async fn named(conn: &mut SqliteConnection, user: &str) -> Result<Vec<PersonId>, StoreError> {
    let people: Vec<String> = sqlx::query_scalar("SELECT person FROM disabled_person WHERE user = ? LIMIT 11")
        .bind(user)
        .fetch_all(conn)
        .await?;
    Ok(people.into_iter().map(PersonId::from).collect())
}

/// Lets a person sign in again; `false` when that was so before.
///
/// # Errors
/// When the store fails.
pub async fn remove(conn: &mut SqliteConnection, person: &PersonId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM disabled_person WHERE person = ?").bind(person.as_str()).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &SqliteRow) -> Result<Disabled, sqlx::Error> {
    Ok(Disabled {
        person: PersonId::from(row.try_get::<String, _>("person")?),
        user: row.try_get("user")?,
        reason: row.try_get("reason")?,
        by: row.try_get("disabled_by")?,
        at: moment(row.try_get("disabled_at")?),
    })
}
