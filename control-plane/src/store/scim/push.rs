//! How each provider's pushing goes.

use sqlx::{Row, SqliteConnection};

use crate::store::{StoreError, moment, seconds};
use kubegate_core::time::Timestamp;

/// How a provider's pushing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push {
    /// The last push that went well.
    pub pushed_at: Option<Timestamp>,
    /// The last one that was refused, and why.
    pub failed: Option<(Timestamp, String)>,
}

/// Notes a push that went well.
///
/// # Errors
/// When the store fails.
pub async fn succeeded(conn: &mut SqliteConnection, provider: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO scim_push (provider, pushed_at) VALUES (?, ?) ON CONFLICT (provider) DO UPDATE SET pushed_at = \
         excluded.pushed_at",
    )
    .bind(provider)
    .bind(seconds(now))
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes one that was refused.
///
/// # Errors
/// When the store fails.
pub async fn failed(conn: &mut SqliteConnection, provider: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO scim_push (provider, failed_at, failure) VALUES (?, ?, ?) ON CONFLICT (provider) DO UPDATE SET \
         failed_at = excluded.failed_at, failure = excluded.failure",
    )
    .bind(provider)
    .bind(seconds(now))
    .bind(why)
    .execute(conn)
    .await?;
    Ok(())
}

/// How it goes.
///
/// # Errors
/// When the store fails.
pub async fn find(conn: &mut SqliteConnection, provider: &str) -> Result<Push, StoreError> {
    let row = sqlx::query("SELECT pushed_at, failed_at, failure FROM scim_push WHERE provider = ?")
        .bind(provider)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else {
        return Ok(Push::default());
    };
    let at = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(moment));
    let failure: Option<String> = row.try_get("failure")?;
    Ok(Push { pushed_at: at("pushed_at")?, failed: at("failed_at")?.zip(failure) })
}
