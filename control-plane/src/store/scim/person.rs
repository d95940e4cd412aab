//! Which people who have signed in a value of the linking attribute means.

use sqlx::SqliteConnection;

use crate::store::{StoreError, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

/// Notes what links a person who signs in.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, provider: &str, person: &PersonId, link: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO scim_person (person, provider, link) VALUES (?, ?, ?) ON CONFLICT (person) DO UPDATE SET provider = \
         excluded.provider, link = excluded.link",
    )
    .bind(person.as_str())
    .bind(provider)
    .bind(link)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what linked this person.
///
/// # Errors
/// When the store fails.
pub async fn remove(conn: &mut SqliteConnection, person: &PersonId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_person WHERE person = ?").bind(person.as_str()).execute(conn).await?;
    Ok(())
}

/// What links this person.
///
/// # Errors
/// When the store fails.
pub async fn link_of(conn: &mut SqliteConnection, person: &PersonId) -> Result<Option<String>, StoreError> {
    let link = sqlx::query_scalar("SELECT link FROM scim_person WHERE person = ?");
    Ok(link.bind(person.as_str()).fetch_optional(conn).await?)
}

/// The people whom any of these values links.
///
/// # Errors
/// When the store fails.
pub async fn linked(
    conn: &mut SqliteConnection,
    provider: &str,
    links: &[String],
) -> Result<Vec<PersonId>, StoreError> {
    let list = serde_json::to_string(links).map_err(|source| StoreError::Corrupt { what: "list of links", source })?;
    let people: Vec<String> = sqlx::query_scalar(
        "SELECT person FROM scim_person WHERE provider = ? AND link IN (SELECT value FROM json_each(?)) ORDER BY person",
    )
    .bind(provider)
    .bind(list)
    .fetch_all(conn)
    .await?;
    Ok(people.into_iter().map(PersonId::from).collect())
}

/// Whether somebody else of a live session is linked by this value.
///
/// # Errors
/// When the store fails.
pub async fn is_of_another(
    conn: &mut SqliteConnection,
    provider: &str,
    person: &PersonId,
    link: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let taken = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM scim_person JOIN session ON session.person = scim_person.person WHERE provider = ? AND \
         link = ? AND scim_person.person <> ? AND ended_at IS NULL AND expires_at > ?)",
    );
    let taken = taken.bind(provider).bind(link).bind(person.as_str()).bind(seconds(now));
    Ok(taken.fetch_one(conn).await?)
}

/// Forgets all of them.
///
/// # Errors
/// When the store fails.
pub async fn clear(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM scim_person").execute(conn).await?;
    Ok(())
}

/// Forgets people of whom no session is left.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM scim_person WHERE NOT EXISTS (SELECT 1 FROM session WHERE session.person = scim_person.person)",
    )
    .execute(conn)
    .await?;
    Ok(())
}
