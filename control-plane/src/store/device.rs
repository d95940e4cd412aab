//! Machines without a browser that ask for a session (RFC 8628).

use std::net::IpAddr;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{SecretHash, StoreError, moment, seconds};
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;

/// What a machine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The resource indicator of the cluster that it wants a token for.
    pub resource: Option<String>,
    /// What the client says it runs on.
    pub device: Option<String>,
    /// What the client says it is.
    pub client: Option<String>,
    /// Where it asked from.
    pub address: IpAddr,
    /// The provider that the client would have the person sign in with.
    pub provider: Option<String>,
    /// The classes that the sign-in must be of, as they were asked for.
    pub acr_values: Option<String>,
    /// How old it may be, as it was asked for.
    pub max_age: Option<String>,
}

/// A request that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceGrant {
    /// What is asked for.
    pub request: DeviceRequest,
    /// When it was.
    pub created_at: Timestamp,
    /// Until when it can be decided and traded.
    pub expires_at: Timestamp,
    /// How long the client must wait between two questions.
    pub interval: Duration,
    /// When it asked last; before that, when it began.
    pub polled_at: Timestamp,
    /// What a person said.
    pub decision: Option<Decision>,
    /// Whether it was traded before.
    pub spent: bool,
    /// The session that came of it.
    pub issued_session: Option<SessionId>,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, in this browser session.
    Allowed(SessionId),
    /// No.
    Denied,
}

/// Writes a new request down.
///
/// # Errors
/// When the store fails.
pub async fn insert(
    conn: &mut SqliteConnection,
    (device_code, user_code): (SecretHash, SecretHash),
    grant: &DeviceGrant,
    network: &str,
) -> Result<(), StoreError> {
    let DeviceRequest { resource, device, client, address, provider, acr_values, max_age } = &grant.request;
    sqlx::query(
        "INSERT INTO device_grant (hash, user_code, resource, device, client, address, network, provider, acr_values, \
         max_age, created_at, expires_at, poll_seconds, polled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(device_code.as_bytes())
    .bind(user_code.as_bytes())
    .bind(resource.as_deref())
    .bind(device.as_deref())
    .bind(client.as_deref())
    .bind(address.to_string())
    .bind(network)
    .bind(provider.as_deref())
    .bind(acr_values.as_deref())
    .bind(max_age.as_deref())
    .bind(seconds(grant.created_at))
    .bind(seconds(grant.expires_at))
    .bind(interval_seconds(grant.interval))
    .bind(seconds(grant.polled_at))
    .execute(conn)
    .await?;
    Ok(())
}

/// How many requests wait for a person: from `network`, and from everywhere.
///
/// # Errors
/// When the store fails.
pub async fn waiting(conn: &mut SqliteConnection, network: &str, now: Timestamp) -> Result<(u32, u32), StoreError> {
    let row = sqlx::query(
        "SELECT coalesce(sum(network = ?), 0) AS here, count(*) AS everywhere FROM device_grant WHERE expires_at > ? AND \
         decided_at IS NULL",
    )
    .bind(network)
    .bind(seconds(now))
    .fetch_one(conn)
    .await?;
    Ok((row.try_get("here")?, row.try_get("everywhere")?))
}

/// Forgets the oldest waiting request of the network that has most of them.
///
/// # Errors
/// When the store fails.
pub async fn make_room(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM device_grant WHERE hash = (SELECT hash FROM device_grant WHERE expires_at > ?1 AND decided_at IS NULL \
         AND network = (SELECT network FROM device_grant WHERE expires_at > ?1 AND decided_at IS NULL GROUP BY network \
         ORDER BY count(*) DESC, min(created_at) LIMIT 1) ORDER BY created_at LIMIT 1)",
    )
    .bind(seconds(now))
    .execute(conn)
    .await?;
    Ok(())
}

/// The request of this device code, whatever became of it.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, device_code: SecretHash) -> Result<Option<DeviceGrant>, StoreError> {
    let row = sqlx::query("SELECT * FROM device_grant WHERE hash = ?").bind(device_code.as_bytes());
    row.fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// The request of this user code that waits for a person.
///
/// # Errors
/// When the store fails.
pub async fn find_waiting(
    conn: &mut SqliteConnection,
    user_code: SecretHash,
    now: Timestamp,
) -> Result<Option<DeviceGrant>, StoreError> {
    let row = sqlx::query("SELECT * FROM device_grant WHERE user_code = ? AND decided_at IS NULL AND expires_at > ?")
        .bind(user_code.as_bytes())
        .bind(seconds(now));
    row.fetch_optional(conn).await?.map(|row| read(&row)).transpose()
}

/// Writes down what a person said; `false` when nobody waits for it any more.
///
/// # Errors
/// When the store fails.
pub async fn decide(
    conn: &mut SqliteConnection,
    user_code: SecretHash,
    allowed_by: Option<&SessionId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE device_grant SET decided_at = ?1, allowed_by = ?2 WHERE user_code = ?3 AND decided_at IS NULL AND \
         expires_at > ?1",
    )
    .bind(seconds(now))
    .bind(allowed_by.map(SessionId::as_str))
    .bind(user_code.as_bytes())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the client asked, and how long it must wait from now on.
///
/// # Errors
/// When the store fails.
pub async fn polled(
    conn: &mut SqliteConnection,
    device_code: SecretHash,
    at: Timestamp,
    interval: Duration,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE device_grant SET polled_at = ?, poll_seconds = ? WHERE hash = ?")
        .bind(seconds(at))
        .bind(interval_seconds(interval))
        .bind(device_code.as_bytes())
        .execute(conn)
        .await?;
    Ok(())
}

/// Spends the device code; what came of it is noted, so that a second use can end it.
///
/// # Errors
/// When the store fails.
pub async fn spend(
    conn: &mut SqliteConnection,
    device_code: SecretHash,
    issued: Option<&SessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE device_grant SET spent_at = ?, issued_session = ? WHERE hash = ? AND spent_at IS NULL")
        .bind(seconds(now))
        .bind(issued.map(SessionId::as_str))
        .bind(device_code.as_bytes())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets requests that ended before `before`.
///
/// # Errors
/// When the store fails.
pub async fn purge(conn: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM device_grant WHERE expires_at < ?").bind(seconds(before)).execute(conn).await?;
    Ok(())
}

fn interval_seconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_secs()).unwrap_or(i64::MAX)
}

fn read(row: &SqliteRow) -> Result<DeviceGrant, StoreError> {
    let address: String = row.try_get("address")?;
    let unreadable = |_| StoreError::Corrupt { what: "address", source: serde::de::Error::custom("no IP address") };
    let decided = row.try_get::<Option<i64>, _>("decided_at")?.is_some();
    let allowed_by = row.try_get::<Option<String>, _>("allowed_by")?;
    Ok(DeviceGrant {
        request: DeviceRequest {
            resource: row.try_get("resource")?,
            device: row.try_get("device")?,
            client: row.try_get("client")?,
            address: address.parse().map_err(unreadable)?,
            provider: row.try_get("provider")?,
            acr_values: row.try_get("acr_values")?,
            max_age: row.try_get("max_age")?,
        },
        created_at: moment(row.try_get("created_at")?),
        expires_at: moment(row.try_get("expires_at")?),
        interval: Duration::from_secs(moment(row.try_get("poll_seconds")?).seconds()),
        polled_at: moment(row.try_get("polled_at")?),
        decision: match (allowed_by, decided) {
            (Some(session), _) => Some(Decision::Allowed(SessionId::from(session))),
            (None, true) => Some(Decision::Denied),
            (None, false) => None,
        },
        spent: row.try_get::<Option<i64>, _>("spent_at")?.is_some(),
        issued_session: row.try_get::<Option<String>, _>("issued_session")?.map(SessionId::from),
    })
}
