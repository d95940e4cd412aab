//! Groups that a provider has pushed, and who is in which. A member may be a group: its members are then in both, however
//! deep that goes, and a circle of groups is no harm.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::scim::group::Group;
use crate::scim::user::key;
use crate::store::{StoreError, moment, seconds};
use kubegate_core::time::Timestamp;

/// A group, and what we say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Our id of it.
    pub id: String,
    /// What the provider pushed; without its members, where those were not asked for.
    pub group: Group,
    /// How many members it has.
    pub size: usize,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last another than before.
    pub modified_at: Timestamp,
}

/// What groups are found by quickly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Our id.
    Id,
    /// The name, in lower case.
    Name,
    /// The provider's id.
    ExternalId,
    /// The id of a member.
    Member,
}

const COLUMNS: &str = "id, display_name, external_id, created_at, modified_at, (SELECT count(*) FROM scim_member WHERE \
                       group_id = scim_group.id) AS size";

/// Those of a provider that have this value, without their members.
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
    let condition = match by {
        By::Id => "id = ?",
        By::Name => "name_key = ?",
        By::ExternalId => "external_id = ?",
        By::Member => "id IN (SELECT group_id FROM scim_member WHERE member = ?)",
    };
    let sql = format!("SELECT {COLUMNS} FROM scim_group WHERE provider = ? AND {condition} ORDER BY id LIMIT ?");
    sqlx::query(&sql).bind(provider).bind(value).bind(most).fetch_all(conn).await?.iter().map(read).collect()
}

/// The group with this id, without its members.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, provider: &str, id: &str) -> Result<Option<Record>, StoreError> {
    Ok(by(conn, provider, By::Id, id, 1).await?.pop())
}

/// `most` at most of a provider's, without the first `skip`, and without their members.
///
/// # Errors
/// When the store fails.
pub async fn page(
    conn: &mut SqliteConnection,
    provider: &str,
    skip: u32,
    most: u32,
) -> Result<Vec<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM scim_group WHERE provider = ? ORDER BY id LIMIT ? OFFSET ?");
    sqlx::query(&sql).bind(provider).bind(most).bind(skip).fetch_all(conn).await?.iter().map(read).collect()
}

/// How many a provider has pushed.
///
/// # Errors
/// When the store fails.
pub async fn count(conn: &mut SqliteConnection, provider: &str) -> Result<usize, StoreError> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM scim_group WHERE provider = ?").bind(provider).fetch_one(conn).await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The ids of a group's members.
///
/// # Errors
/// When the store fails.
pub async fn members(conn: &mut SqliteConnection, id: &str) -> Result<BTreeSet<String>, StoreError> {
    let members: Vec<String> = sqlx::query_scalar("SELECT member FROM scim_member WHERE group_id = ? ORDER BY member")
        .bind(id)
        .fetch_all(conn)
        .await?;
    Ok(members.into_iter().collect())
}

/// Those of `ids` that no user and no group of the provider has; three at most.
///
/// # Errors
/// When the store fails.
pub async fn strangers(
    conn: &mut SqliteConnection,
    provider: &str,
    ids: &[&String],
) -> Result<Vec<String>, StoreError> {
    let strangers = sqlx::query_scalar(
        "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM scim_user WHERE provider = ? AND id = value) AND \
         NOT EXISTS (SELECT 1 FROM scim_group WHERE provider = ? AND id = value) LIMIT 3",
    );
    Ok(strangers.bind(list(ids)?).bind(provider).bind(provider).fetch_all(conn).await?)
}

/// Writes a group down, but for its members: a new one, or one as it is now.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, provider: &str, record: &Record) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO scim_group (provider, id, display_name, name_key, external_id, created_at, modified_at) VALUES (?, \
         ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, name_key = \
         excluded.name_key, external_id = excluded.external_id, modified_at = excluded.modified_at",
    )
    .bind(provider)
    .bind(&record.id)
    .bind(&record.group.display_name)
    .bind(key(&record.group.display_name))
    .bind(&record.group.external_id)
    .bind(seconds(record.created_at))
    .bind(seconds(record.modified_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts members into a group, and takes others out of it.
///
/// # Errors
/// When the store fails.
pub async fn change_members(
    conn: &mut SqliteConnection,
    provider: &str,
    id: &str,
    joining: &[&String],
    leaving: &[&String],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_member WHERE group_id = ? AND member IN (SELECT value FROM json_each(?))")
        .bind(id)
        .bind(list(leaving)?)
        .execute(&mut *conn)
        .await?;
    sqlx::query("INSERT INTO scim_member (provider, group_id, member) SELECT ?, ?, value FROM json_each(?)")
        .bind(provider)
        .bind(id)
        .bind(list(joining)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets a group, also as a member of others.
///
/// # Errors
/// When the store fails.
pub async fn delete(conn: &mut SqliteConnection, provider: &str, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_member WHERE provider = ? AND (member = ? OR group_id = ?)")
        .bind(provider)
        .bind(id)
        .bind(id)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM scim_group WHERE provider = ? AND id = ?").bind(provider).bind(id).execute(conn).await?;
    Ok(())
}

/// The names of all groups that a member is in, directly or by a group.
///
/// # Errors
/// When the store fails.
pub async fn names_of(conn: &mut SqliteConnection, provider: &str, member: &str) -> Result<Vec<String>, StoreError> {
    // UNION forgets what was there before, so every group comes once, whatever circles there are.
    let names = sqlx::query_scalar(
        "WITH RECURSIVE above (id) AS (SELECT group_id FROM scim_member WHERE provider = ?1 AND member = ?2 UNION SELECT \
         scim_member.group_id FROM scim_member JOIN above ON scim_member.member = above.id WHERE scim_member.provider = \
         ?1) SELECT display_name FROM scim_group WHERE provider = ?1 AND id IN above ORDER BY display_name",
    );
    Ok(names.bind(provider).bind(member).fetch_all(conn).await?)
}

/// The users among `members`, and those in groups among them, however deep.
///
/// # Errors
/// When the store fails.
pub async fn users_below(
    conn: &mut SqliteConnection,
    provider: &str,
    members: &[&String],
) -> Result<Vec<String>, StoreError> {
    let users = sqlx::query_scalar(
        "WITH RECURSIVE below (id) AS (SELECT value FROM json_each(?1) UNION SELECT scim_member.member FROM scim_member \
         JOIN below ON scim_member.group_id = below.id WHERE scim_member.provider = ?2) SELECT id FROM scim_user WHERE \
         provider = ?2 AND id IN below",
    );
    Ok(users.bind(list(members)?).bind(provider).fetch_all(conn).await?)
}

fn list(ids: &[&String]) -> Result<String, StoreError> {
    serde_json::to_string(ids).map_err(|source| StoreError::Corrupt { what: "list of ids", source })
}

fn read(row: &SqliteRow) -> Result<Record, StoreError> {
    Ok(Record {
        id: row.try_get("id")?,
        group: Group {
            display_name: row.try_get("display_name")?,
            external_id: row.try_get("external_id")?,
            members: BTreeSet::new(),
        },
        size: usize::try_from(row.try_get::<i64, _>("size")?).unwrap_or(usize::MAX),
        created_at: moment(row.try_get("created_at")?),
        modified_at: moment(row.try_get("modified_at")?),
    })
}
