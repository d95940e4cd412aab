//! What gateways must refuse before its own end.

use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

/// Whom a revocation concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All tokens and streams of one session.
    Session(SessionId),
    /// Those of one person that began before `not_before`.
    Person {
        /// Whose.
        person: PersonId,
        /// Tokens made before this are refused.
        not_before: Timestamp,
    },
}

/// One entry of the live set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Whom it concerns.
    pub subject: Subject,
    /// The end of the last token or stream that it can concern.
    pub until: Timestamp,
    /// Why, in one stable word.
    pub reason: String,
}

/// Writes a revocation down. A later one of the same subject takes the place of the earlier.
///
/// # Errors
/// When the store fails.
pub async fn put(conn: &mut SqliteConnection, revocation: &Revocation) -> Result<(), StoreError> {
    let (subject, not_before) = match &revocation.subject {
        Subject::Session(id) => (format!("session:{id}"), 0),
        Subject::Person { person, not_before } => (format!("person:{person}"), seconds(*not_before)),
    };
    sqlx::query(
        "INSERT INTO revocation (subject, not_before, until, reason) VALUES (?, ?, ?, ?) ON CONFLICT (subject) DO UPDATE \
         SET not_before = max(not_before, excluded.not_before), until = max(until, excluded.until), \
         reason = excluded.reason",
    )
    .bind(subject)
    .bind(not_before)
    .bind(seconds(revocation.until))
    .bind(&revocation.reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// All revocations that can still concern something.
///
/// # Errors
/// When the store fails.
pub async fn live(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Revocation>, StoreError> {
    let rows =
        sqlx::query("SELECT subject, not_before, until, reason FROM revocation WHERE until > ? ORDER BY subject")
            .bind(seconds(now))
            .fetch_all(conn)
            .await?;
    rows.iter()
        .map(|row| {
            let subject: String = row.try_get("subject")?;
            let subject = match subject.split_once(':') {
                Some(("person", person)) => Subject::Person {
                    person: PersonId::from(person.to_owned()),
                    not_before: moment(row.try_get("not_before")?),
                },
                _ => Subject::Session(SessionId::from(subject.strip_prefix("session:").unwrap_or(&subject).to_owned())),
            };
            Ok(Revocation { subject, until: moment(row.try_get("until")?), reason: row.try_get("reason")? })
        })
        .collect()
}

/// Forgets revocations that can concern nothing any more.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM revocation WHERE until <= ?").bind(seconds(now)).execute(conn).await?;
    Ok(())
}
