//! Sessions.

use std::net::IpAddr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{SecretHash, StoreError, moment, seconds};
use crate::person::Identity;
use kubegate_core::id::{PersonId, SessionId};
use kubegate_core::time::Timestamp;

/// What a session is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// A browser, by a cookie.
    Browser,
    /// The command line, by a refresh secret.
    Cli,
    /// The same on a machine without a browser, which another device vouched for (RFC 8628).
    Device,
    /// A workload, by its own platform's token; nothing refreshes it.
    Workload,
    /// pomerium-cli, by a token that lives as long as the session.
    Pomerium,
    /// A service account of pomerium-cli's users, by a token that an administrator issued.
    ServiceAccount,
}

impl SessionKind {
    const ALL: [Self; 6] =
        [Self::Browser, Self::Cli, Self::Device, Self::Workload, Self::Pomerium, Self::ServiceAccount];

    /// A stable word for logs, answers and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Cli => "cli",
            Self::Device => "device",
            Self::Workload => "workload",
            Self::Pomerium => "pomerium",
            Self::ServiceAccount => "service-account",
        }
    }
}

/// Who holds a session, and where: what lets people tell theirs apart. It is the client's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// What the client says it is: a browser's `User-Agent`, a command line's host.
    pub client: Option<String>,
    /// The address that it came from.
    pub address: Option<IpAddr>,
}

impl Holder {
    /// The longest word of a client that is kept.
    const LONGEST: usize = 200;

    /// A client at `address` that calls itself `client`: cut short, and without what does not print.
    #[must_use]
    pub fn new(client: Option<&str>, address: IpAddr) -> Self {
        Self { client: client.and_then(Self::word), address: Some(address) }
    }

    /// A client's own word as it is kept and shown; `None` when nothing of it prints.
    #[must_use]
    pub fn word(text: &str) -> Option<String> {
        let printable: String = text.chars().filter(|c| !c.is_control()).take(Self::LONGEST).collect();
        Some(printable).filter(|text| !text.trim().is_empty())
    }
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out.
    SignedOut,
    /// A spent refresh secret or code was used again: somebody else may hold a copy.
    Reuse,
    /// The person began more sessions than one may have.
    TooMany,
    /// Not used for longer than allowed.
    Idle,
    /// The account or provider that it came from is no longer in the configuration, or its password changed.
    Withdrawn,
    /// An administrator ended it.
    Administrator,
    /// An administrator disabled the person.
    Disabled,
    /// The identity provider was asked again and does not vouch for the person any more.
    ProviderRefused,
    /// The identity provider could not be asked for longer than allowed.
    ProviderUnreachable,
    /// The identity provider gave nothing to ask it again with, and the sign-in is older than allowed for that.
    NotRechecked,
    /// The person signed out at the identity provider, or was signed out there.
    ProviderLogout,
}

impl EndReason {
    /// A stable word for logs, metrics and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Reuse => "reuse",
            Self::TooMany => "too-many",
            Self::Idle => "idle",
            Self::Withdrawn => "withdrawn",
            Self::Administrator => "administrator",
            Self::Disabled => "disabled",
            Self::ProviderRefused => "provider-refused",
            Self::ProviderUnreachable => "provider-unreachable",
            Self::NotRechecked => "not-rechecked",
            Self::ProviderLogout => "provider-logout",
        }
    }
}

/// One sign-in of one person.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it is held by.
    pub kind: SessionKind,
    /// Who signed in.
    pub identity: Identity,
    /// When the person last proved who they are, as the provider says; the epoch when it does not say.
    pub auth_time: Timestamp,
    /// When the sign-in was that this session comes from.
    pub signed_in_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// The latest end of a token made from it.
    pub tokens_until: Timestamp,
    /// When it was ended before that, and why.
    pub ended: Option<(Timestamp, String)>,
    /// The sign-in at a provider that it comes from; `None` of a built-in account.
    pub sign_in: Option<String>,
    /// Who holds it, and where it was begun.
    pub holder: Holder,
    /// Where it was last used.
    pub last_address: Option<IpAddr>,
}

impl Session {
    /// Whether it is still good at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at
    }

    /// Whether idle time ended it, which leaves streams open until it would have ended anyway.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.ended.as_ref().is_some_and(|(_, why)| why == EndReason::Idle.as_str()) && now < self.expires_at
    }
}

const COLUMNS: &str = "id, kind, identity, auth_time, signed_in_at, created_at, last_used_at, expires_at, tokens_until, \
                       ended_at, ended_reason, sign_in, client, address, last_address";

/// Writes a new session down; a browser's is found again by its cookie's hash.
///
/// # Errors
/// When the store fails.
pub async fn insert(
    conn: &mut SqliteConnection,
    session: &Session,
    cookie: Option<SecretHash>,
    grant: Option<SecretHash>,
) -> Result<(), StoreError> {
    let identity =
        serde_json::to_string(&session.identity).map_err(|source| StoreError::Corrupt { what: "identity", source })?;
    sqlx::query(
        "INSERT INTO session (id, kind, person, identity, auth_time, signed_in_at, created_at, last_used_at, expires_at, \
         secret_hash, grant_hash, sign_in, client, address, last_address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
         ?, ?)",
    )
    .bind(session.id.as_str())
    .bind(session.kind.as_str())
    .bind(session.identity.person().as_str())
    .bind(identity)
    .bind(seconds(session.auth_time))
    .bind(seconds(session.signed_in_at))
    .bind(seconds(session.created_at))
    .bind(seconds(session.last_used_at))
    .bind(seconds(session.expires_at))
    .bind(cookie.as_ref().map(SecretHash::as_bytes))
    .bind(grant.as_ref().map(SecretHash::as_bytes))
    .bind(session.sign_in.as_deref())
    .bind(session.holder.client.as_deref())
    .bind(session.holder.address.map(|address| address.to_string()))
    .bind(session.last_address.map(|address| address.to_string()))
    .execute(conn)
    .await?;
    Ok(())
}

/// The session with this id, live or not.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, id: &SessionId) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM session WHERE id = ?");
    sqlx::query(&sql).bind(id.as_str()).fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// The browser session whose cookie has this hash, live or not.
///
/// # Errors
/// When the store fails.
pub async fn find_by_cookie(conn: &mut SqliteConnection, cookie: SecretHash) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM session WHERE secret_hash = ?");
    sqlx::query(&sql).bind(cookie.as_bytes()).fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// The sessions of `person` that have not ended, the oldest first.
///
/// # Errors
/// When the store fails.
pub async fn live_of(
    conn: &mut SqliteConnection,
    person: &PersonId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM session WHERE person = ? AND ended_at IS NULL AND expires_at > ? ORDER BY created_at, id"
    );
    sqlx::query(&sql).bind(person.as_str()).bind(seconds(now)).fetch_all(conn).await?.iter().map(read).collect()
}

/// The user name of a person's newest session, live or not.
///
/// # Errors
/// When the store fails.
pub async fn user_of(conn: &mut SqliteConnection, person: &PersonId) -> Result<Option<String>, StoreError> {
    let user = sqlx::query_scalar(
        "SELECT json_extract(identity, '$.user') FROM session WHERE person = ? ORDER BY created_at DESC, id LIMIT 1",
    );
    Ok(user.bind(person.as_str()).fetch_optional(conn).await?)
}

/// The people who had this user name in a session, live or not; at most eleven.
///
/// # Errors
/// When the store fails.
pub async fn people_named(conn: &mut SqliteConnection, user: &str) -> Result<Vec<PersonId>, StoreError> {
    let people: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT person FROM session WHERE json_extract(identity, '$.user') = ? LIMIT 11")
            .bind(user)
            .fetch_all(conn)
            .await?;
    Ok(people.into_iter().map(PersonId::from).collect())
}

/// All sessions that have not ended, and those that only idle time ended: they may have open streams.
///
/// # Errors
/// When the store fails.
pub async fn with_access(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM session WHERE (ended_at IS NULL OR ended_reason = ?) AND expires_at > ? ORDER BY \
         created_at, id"
    );
    sqlx::query(&sql)
        .bind(EndReason::Idle.as_str())
        .bind(seconds(now))
        .fetch_all(conn)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// What people see of sessions: those that live, and those that only idle time ended and that may have open streams.
const SHOWN: &str =
    "(ended_at IS NULL OR (ended_reason = 'idle' AND tokens_until > 0 AND kind <> 'browser')) AND expires_at > ?";

/// The sessions of `person` that live or may have open streams, the newest first.
///
/// # Errors
/// When the store fails.
pub async fn shown_of(
    conn: &mut SqliteConnection,
    person: &PersonId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM session WHERE person = ? AND {SHOWN} ORDER BY created_at DESC, id DESC");
    sqlx::query(&sql).bind(person.as_str()).bind(seconds(now)).fetch_all(conn).await?.iter().map(read).collect()
}

/// The same of everybody: at most `most` of those that come after `after`.
///
/// # Errors
/// When the store fails.
pub async fn shown(
    conn: &mut SqliteConnection,
    now: Timestamp,
    after: Option<(Timestamp, &SessionId)>,
    most: u32,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM session WHERE {SHOWN} AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?"
    );
    sqlx::query(&sql)
        .bind(seconds(now))
        .bind(after.map_or(i64::MAX, |(created_at, _)| seconds(created_at)))
        .bind(after.map_or("", |(_, id)| id.as_str()))
        .bind(i64::from(most))
        .fetch_all(conn)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The sessions of one sign-in that have not ended, and those that only idle time ended.
///
/// # Errors
/// When the store fails.
pub async fn of_sign_in(
    conn: &mut SqliteConnection,
    sign_in: &str,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM session WHERE sign_in = ? AND (ended_at IS NULL OR ended_reason = ?) AND expires_at > ? \
         ORDER BY created_at, id"
    );
    let idle = EndReason::Idle.as_str();
    sqlx::query(&sql).bind(sign_in).bind(idle).bind(seconds(now)).fetch_all(conn).await?.iter().map(read).collect()
}

/// Takes the one request that a sign-in was made for; `false` when it was another, or it was taken before.
///
/// # Errors
/// When the store fails.
pub async fn take_grant(conn: &mut SqliteConnection, id: &SessionId, grant: SecretHash) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE session SET grant_hash = NULL WHERE id = ? AND grant_hash = ?")
        .bind(id.as_str())
        .bind(grant.as_bytes())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the session was used, from where if that is known, and until when a token made from it lives.
///
/// # Errors
/// When the store fails.
pub async fn touch(
    conn: &mut SqliteConnection,
    id: &SessionId,
    now: Timestamp,
    from: Option<IpAddr>,
    token_until: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE session SET last_used_at = max(last_used_at, ?), tokens_until = max(tokens_until, ?), last_address = \
         coalesce(?, last_address) WHERE id = ?",
    )
    .bind(seconds(now))
    .bind(token_until.map_or(0, seconds))
    .bind(from.map(|address| address.to_string()))
    .bind(id.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes over what has changed about the person since the sign-in.
///
/// # Errors
/// When the store fails.
pub async fn update_identity(
    conn: &mut SqliteConnection,
    id: &SessionId,
    identity: &Identity,
) -> Result<(), StoreError> {
    let identity =
        serde_json::to_string(identity).map_err(|source| StoreError::Corrupt { what: "identity", source })?;
    sqlx::query("UPDATE session SET identity = ? WHERE id = ?").bind(identity).bind(id.as_str()).execute(conn).await?;
    Ok(())
}

/// Ends a session; `false` when it had ended before.
///
/// # Errors
/// When the store fails.
pub async fn end(
    conn: &mut SqliteConnection,
    id: &SessionId,
    now: Timestamp,
    reason: EndReason,
) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE session SET ended_at = ?, ended_reason = ? WHERE id = ? AND ended_at IS NULL")
        .bind(seconds(now))
        .bind(reason.as_str())
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends for good a session that only idle time had ended: with its streams.
///
/// # Errors
/// When the store fails.
pub async fn end_idle(
    conn: &mut SqliteConnection,
    id: &SessionId,
    now: Timestamp,
    reason: EndReason,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE session SET ended_at = ?, ended_reason = ? WHERE id = ? AND ended_reason = ?")
        .bind(seconds(now))
        .bind(reason.as_str())
        .bind(id.as_str())
        .bind(EndReason::Idle.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets sessions whose longest life was over before `before`, however early they ended, with their refresh secrets and
/// codes.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, before: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM session WHERE expires_at < ?").bind(seconds(before)).execute(conn).await?;
    Ok(done.rows_affected())
}

fn read(row: &SqliteRow) -> Result<Session, StoreError> {
    let kind: String = row.try_get("kind")?;
    let identity: String = row.try_get("identity")?;
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    let ended_reason: Option<String> = row.try_get("ended_reason")?;
    let at = |column: &str| row.try_get::<i64, _>(column).map(moment);
    let address = |column: &str| {
        let text = row.try_get::<Option<String>, _>(column);
        text.map(|text| text.and_then(|text| text.parse().ok()))
    };
    let unknown = || serde::de::Error::custom(format!("{kind:?} is not a kind of session"));
    let kind_of = SessionKind::ALL.into_iter().find(|known| known.as_str() == kind);
    Ok(Session {
        id: SessionId::from(row.try_get::<String, _>("id")?),
        kind: kind_of.ok_or_else(|| StoreError::Corrupt { what: "kind of session", source: unknown() })?,
        identity: serde_json::from_str(&identity).map_err(|source| StoreError::Corrupt { what: "identity", source })?,
        auth_time: at("auth_time")?,
        signed_in_at: at("signed_in_at")?,
        created_at: at("created_at")?,
        last_used_at: at("last_used_at")?,
        expires_at: at("expires_at")?,
        tokens_until: at("tokens_until")?,
        ended: ended_at.map(|at| (moment(at), ended_reason.unwrap_or_default())),
        sign_in: row.try_get("sign_in")?,
        holder: Holder { client: row.try_get("client")?, address: address("address")? },
        last_address: address("last_address")?,
    })
}
