//! Sign-ins at identity providers, and what they left with us.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{StoreError, moment, seconds};
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

/// One sign-in of one person at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Its id.
    pub id: String,
    /// The provider's id in the configuration.
    pub provider: String,
    /// Whose it is.
    pub person: PersonId,
    /// The provider's own session, by which its logout tokens name it.
    pub idp_sid: Option<String>,
    /// What the provider left with us, sealed and bound to this row.
    pub sealed: Vec<u8>,
    /// When it was.
    pub signed_in_at: Timestamp,
    /// When the provider last vouched for the person.
    pub checked_at: Timestamp,
    /// When the provider is to be asked again.
    pub next_check_at: Timestamp,
    /// Since when the provider could not be asked.
    pub failing_since: Option<Timestamp>,
    /// When all its sessions are over.
    pub expires_at: Timestamp,
}

/// The right of one process to ask the provider about one sign-in. It is lost when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(Timestamp);

const COLUMNS: &str = "id, provider, person, idp_sid, sealed, signed_in_at, checked_at, next_check_at, failing_since, \
                       expires_at";

/// Which sessions may still reach a cluster: those that live, and those that only idle time ended, which may have open
/// streams.
const HAS_ACCESS: &str = "EXISTS (SELECT 1 FROM session WHERE session.sign_in = sign_in.id AND (session.ended_at IS NULL OR \
                          (session.ended_reason = 'idle' AND session.tokens_until > 0)) AND session.expires_at > ?)";

/// Writes a new sign-in down.
///
/// # Errors
/// When the store fails.
pub async fn insert(conn: &mut SqliteConnection, sign_in: &SignIn) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO sign_in ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlx::query(&sql)
        .bind(&sign_in.id)
        .bind(&sign_in.provider)
        .bind(sign_in.person.as_str())
        .bind(&sign_in.idp_sid)
        .bind(&sign_in.sealed)
        .bind(seconds(sign_in.signed_in_at))
        .bind(seconds(sign_in.checked_at))
        .bind(seconds(sign_in.next_check_at))
        .bind(sign_in.failing_since.map(seconds))
        .bind(seconds(sign_in.expires_at))
        .execute(conn)
        .await?;
    Ok(())
}

/// The sign-in with this id.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<SignIn>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sign_in WHERE id = ?");
    sqlx::query(&sql).bind(id).fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// The sign-ins at `provider` that it is time to ask about and that nobody is asking about, the longest due first.
///
/// # Errors
/// When the store fails.
pub async fn due(
    conn: &mut SqliteConnection,
    provider: &str,
    now: Timestamp,
    most: u32,
) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT id FROM sign_in WHERE provider = ? AND next_check_at <= ? AND leased_until <= ? AND {HAS_ACCESS} ORDER BY \
         next_check_at, id LIMIT ?"
    );
    let now = seconds(now);
    let due = sqlx::query_scalar(&sql).bind(provider).bind(now).bind(now).bind(now).bind(i64::from(most));
    Ok(due.fetch_all(conn).await?)
}

/// Takes the right to ask about a sign-in until `until`, when it is time to and nobody else has that right.
///
/// # Errors
/// When the store fails.
pub async fn lease(
    conn: &mut SqliteConnection,
    id: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<(SignIn, Lease)>, StoreError> {
    let sql = format!(
        "UPDATE sign_in SET leased_until = ? WHERE id = ? AND leased_until <= ? AND next_check_at <= ? RETURNING {COLUMNS}"
    );
    let row = sqlx::query(&sql).bind(seconds(until)).bind(id).bind(seconds(now)).bind(seconds(now));
    let row = row.fetch_optional(conn).await?;
    row.map(|row| Ok((read(&row)?, Lease(until)))).transpose()
}

/// Keeps what the provider has left with us anew; `false` when the lease was lost meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn keep(conn: &mut SqliteConnection, id: &str, lease: Lease, sealed: &[u8]) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE sign_in SET sealed = ? WHERE id = ? AND leased_until = ?")
        .bind(sealed)
        .bind(id)
        .bind(seconds(lease.0))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the provider has vouched for the person (or that there was nothing to ask: then `checked_at` stays), and gives
/// the lease back. `false` when it was lost meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn checked(
    conn: &mut SqliteConnection,
    id: &str,
    lease: Lease,
    checked_at: Option<Timestamp>,
    next: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sign_in SET checked_at = coalesce(?, checked_at), next_check_at = ?, failing_since = NULL, leased_until = 0 \
         WHERE id = ? AND leased_until = ?",
    )
    .bind(checked_at.map(seconds))
    .bind(seconds(next))
    .bind(id)
    .bind(seconds(lease.0))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the provider could not be asked, and gives the lease back. `false` when it was lost meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn failed(
    conn: &mut SqliteConnection,
    id: &str,
    lease: Lease,
    now: Timestamp,
    next: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sign_in SET failing_since = coalesce(failing_since, ?), next_check_at = ?, leased_until = 0 WHERE id = ? AND \
         leased_until = ?",
    )
    .bind(seconds(now))
    .bind(seconds(next))
    .bind(id)
    .bind(seconds(lease.0))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has the provider asked at once about the other sign-ins of a person that it was not asked about since `before`.
///
/// # Errors
/// When the store fails.
pub async fn ask_about_others(
    conn: &mut SqliteConnection,
    person: &PersonId,
    but: &str,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sign_in SET next_check_at = min(next_check_at, ?) WHERE person = ? AND id <> ? AND checked_at < ?",
    )
    .bind(seconds(now))
    .bind(person.as_str())
    .bind(but)
    .bind(seconds(before))
    .execute(conn)
    .await?;
    Ok(())
}

/// The sign-ins that came of one session at a provider. Where the provider also says whose it is, those of that person count
/// of which it never said which session they came of, and no others' at all.
///
/// # Errors
/// When the store fails.
pub async fn of_idp_session(
    conn: &mut SqliteConnection,
    provider: &str,
    sid: &str,
    person: Option<&PersonId>,
) -> Result<Vec<String>, StoreError> {
    let ids = match person {
        None => {
            sqlx::query_scalar("SELECT id FROM sign_in WHERE provider = ? AND idp_sid = ?").bind(provider).bind(sid)
        }
        Some(person) => sqlx::query_scalar(
            "SELECT id FROM sign_in WHERE provider = ? AND (idp_sid = ? OR idp_sid IS NULL) AND person = ?",
        )
        .bind(provider)
        .bind(sid)
        .bind(person.as_str()),
    };
    Ok(ids.fetch_all(conn).await?)
}

/// Forgets all sign-ins at a provider, with what it left with us.
///
/// # Errors
/// When the store fails.
pub async fn forget(conn: &mut SqliteConnection, provider: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sign_in WHERE provider = ?").bind(provider).execute(conn).await?;
    Ok(())
}

/// Forgets sign-ins of which no session may reach a cluster any more, with all that their providers left with us.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM sign_in WHERE NOT {HAS_ACCESS}");
    sqlx::query(&sql).bind(seconds(now)).execute(conn).await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<SignIn, StoreError> {
    let at = |column: &str| row.try_get::<i64, _>(column).map(moment);
    Ok(SignIn {
        id: row.try_get("id")?,
        provider: row.try_get("provider")?,
        person: PersonId::from(row.try_get::<String, _>("person")?),
        idp_sid: row.try_get("idp_sid")?,
        sealed: row.try_get::<Option<Vec<u8>>, _>("sealed")?.unwrap_or_default(),
        signed_in_at: at("signed_in_at")?,
        checked_at: at("checked_at")?,
        next_check_at: at("next_check_at")?,
        failing_since: row.try_get::<Option<i64>, _>("failing_since")?.map(moment),
        expires_at: at("expires_at")?,
    })
}
