//! Users that a provider has pushed.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::config::LinkAttribute;
use crate::scim::user::{User, key};
use crate::store::{StoreError, moment, seconds};
use kubegate_core::time::Timestamp;

/// A user, and what we say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Our id of it.
    pub id: String,
    /// What the provider pushed.
    pub user: User,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last another than before.
    pub modified_at: Timestamp,
}

/// What users are found by quickly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Our id.
    Id,
    /// The user name, in lower case.
    UserName,
    /// The provider's id.
    ExternalId,
    /// The address that may link, in lower case.
    Email,
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::UserName => "user_key",
            Self::ExternalId => "external_id",
            Self::Email => "email_key",
        }
    }
}

impl From<LinkAttribute> for By {
    fn from(attribute: LinkAttribute) -> Self {
        match attribute {
            LinkAttribute::ExternalId => Self::ExternalId,
            LinkAttribute::UserName => Self::UserName,
            LinkAttribute::Emails => Self::Email,
        }
    }
}

const COLUMNS: &str = "id, resource, created_at, modified_at";

/// Those of a provider that have this value; `most` at most.
///
/// # Errors
/// When the store fails.
pub async fn by(
    conn: &mut SqliteConnection,
    provider: &str,
    by: By,
    value: &str,
    most: u32,
) -> Result<Vec<Record>, StoreError> {
    let column = by.column();
    let sql = format!("SELECT {COLUMNS} FROM scim_user WHERE provider = ? AND {column} = ? ORDER BY id LIMIT ?");
    sqlx::query(&sql).bind(provider).bind(value).bind(most).fetch_all(conn).await?.iter().map(read).collect()
}

/// The user with this id.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, provider: &str, id: &str) -> Result<Option<Record>, StoreError> {
    Ok(by(conn, provider, By::Id, id, 1).await?.pop())
}

/// Those of a provider whose ids come after `after`; `most` at most.
///
/// # Errors
/// When the store fails.
pub async fn after(
    conn: &mut SqliteConnection,
    provider: &str,
    after: &str,
    most: u32,
) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM scim_user WHERE provider = ? AND id > ? ORDER BY id LIMIT ?");
    sqlx::query(&sql).bind(provider).bind(after).bind(most).fetch_all(conn).await?.iter().map(read).collect()
}

/// `most` at most of a provider's, without the first `skip`.
///
/// # Errors
/// When the store fails.
pub async fn page(
    conn: &mut SqliteConnection,
    provider: &str,
    skip: u32,
    most: u32,
) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM scim_user WHERE provider = ? ORDER BY id LIMIT ? OFFSET ?");
    sqlx::query(&sql).bind(provider).bind(most).bind(skip).fetch_all(conn).await?.iter().map(read).collect()
}

/// What links these users to sign-ins.
///
/// # Errors
/// When the store fails.
pub async fn links(
    conn: &mut SqliteConnection,
    provider: &str,
    by: By,
    ids: &[String],
) -> Result<Vec<String>, StoreError> {
    let list = serde_json::to_string(ids).map_err(|source| StoreError::Corrupt { what: "list of ids", source })?;
    let column = by.column();
    let sql = format!(
        "SELECT {column} FROM scim_user WHERE provider = ? AND {column} IS NOT NULL AND id IN (SELECT value FROM \
         json_each(?))"
    );
    Ok(sqlx::query_scalar(&sql).bind(provider).bind(list).fetch_all(conn).await?)
}

/// How many a provider has pushed.
///
/// # Errors
/// When the store fails.
pub async fn count(conn: &mut SqliteConnection, provider: &str) -> Result<usize, StoreError> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM scim_user WHERE provider = ?").bind(provider).fetch_one(conn).await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Writes a user down: a new one, or one as it is now.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, provider: &str, record: &Record) -> Result<(), StoreError> {
    let resource =
        serde_json::to_string(&record.user).map_err(|source| StoreError::Corrupt { what: "user", source })?;
    sqlx::query(
        "INSERT INTO scim_user (provider, id, user_key, external_id, email_key, active, resource, created_at, \
         modified_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET user_key = excluded.user_key, \
         external_id = excluded.external_id, email_key = excluded.email_key, active = excluded.active, resource = \
         excluded.resource, modified_at = excluded.modified_at",
    )
    .bind(provider)
    .bind(&record.id)
    .bind(key(&record.user.user_name))
    .bind(&record.user.external_id)
    .bind(record.user.email().map(key))
    .bind(record.user.active)
    .bind(resource)
    .bind(seconds(record.created_at))
    .bind(seconds(record.modified_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a user, also as a member of groups.
///
/// # Errors
/// When the store fails.
pub async fn delete(conn: &mut SqliteConnection, provider: &str, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_member WHERE provider = ? AND member = ?")
        .bind(provider)
        .bind(id)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM scim_user WHERE provider = ? AND id = ?").bind(provider).bind(id).execute(conn).await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Record, StoreError> {
    let resource: String = row.try_get("resource")?;
    Ok(Record {
        id: row.try_get("id")?,
        user: serde_json::from_str(&resource).map_err(|source| StoreError::Corrupt { what: "user", source })?,
        created_at: moment(row.try_get("created_at")?),
        modified_at: moment(row.try_get("modified_at")?),
    })
}
