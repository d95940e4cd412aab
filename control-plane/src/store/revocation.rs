//! What gateways must refuse before its own end.

use std::time::Duration;

use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

/// Whom a revocation concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All tokens and streams of one session.
    Session {
        /// The session.
        session: SessionId,
        /// Whose it was.
        person: PersonId,
    },
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
    let (subject, session_of, not_before) = match &revocation.subject {
        Subject::Session { session, person } => (format!("session:{session}"), Some(person.as_str()), 0),
        Subject::Person { person, not_before } => (format!("person:{person}"), None, seconds(*not_before)),
    };
    sqlx::query(
        "INSERT INTO revocation (subject, session_of, not_before, until, reason) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (subject) DO UPDATE SET not_before = max(not_before, excluded.not_before), until = max(until, excluded.until), \
         reason = excluded.reason",
    )
    .bind(subject)
    .bind(session_of)
    .bind(not_before)
    .bind(seconds(revocation.until))
    .bind(&revocation.reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets tokens of a person count again that were made at `not_before` or later.
///
/// # Errors
/// When the store fails.
pub async fn admit_from(
    conn: &mut SqliteConnection,
    person: &PersonId,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE revocation SET not_before = min(not_before, ?) WHERE subject = ?")
        .bind(seconds(not_before))
        .bind(format!("person:{person}"))
        .execute(conn)
        .await?;
    Ok(())
}

/// A token made in this very second could be older than the end; so it is refused, and asked for again.
pub const SECOND: Duration = Duration::from_secs(1);

/// Makes one entry of all those of one person's sessions, when there are more than `most`: everything of that person
/// that was made until `now` is refused.
///
/// # Errors
/// When the store fails.
pub async fn collapse(
    conn: &mut SqliteConnection,
    person: &PersonId,
    most: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT count(*) AS entries, max(until) AS until FROM revocation WHERE session_of = ?")
        .bind(person.as_str())
        .fetch_one(&mut *conn)
        .await?;
    if row.try_get::<i64, _>("entries")? <= i64::from(most) {
        return Ok(());
    }
    let until = moment(row.try_get::<Option<i64>, _>("until")?.unwrap_or_default());
    sqlx::query("DELETE FROM revocation WHERE session_of = ?").bind(person.as_str()).execute(&mut *conn).await?;
    let subject = Subject::Person { person: person.clone(), not_before: now.after(SECOND) };
    put(conn, &Revocation { subject, until, reason: "many-sessions".to_owned() }).await
}

/// Since when tokens of a person count, when a revocation that can still concern something says so.
///
/// # Errors
/// When the store fails.
pub async fn not_before(
    conn: &mut SqliteConnection,
    person: &PersonId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let not_before = sqlx::query_scalar("SELECT not_before FROM revocation WHERE subject = ? AND until > ?")
        .bind(format!("person:{person}"))
        .bind(seconds(now))
        .fetch_optional(conn)
        .await?;
    Ok(not_before.map(moment))
}

/// All revocations that can still concern something.
///
/// # Errors
/// When the store fails.
pub async fn live(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Revocation>, StoreError> {
    let rows = sqlx::query(
        "SELECT subject, session_of, not_before, until, reason FROM revocation WHERE until > ? ORDER BY subject",
    )
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
                _ => Subject::Session {
                    session: SessionId::from(subject.strip_prefix("session:").unwrap_or(&subject).to_owned()),
                    person: PersonId::from(row.try_get::<Option<String>, _>("session_of")?.unwrap_or_default()),
                },
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
