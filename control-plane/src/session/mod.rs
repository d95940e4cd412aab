//! Sessions: how they begin, are used, and end.
//!
//! ```text
//!  sign-in ─▶ browser session ─(authorization code)─▶ cli session ─(refresh secret)─▶ session tokens
//!                             └─(device code)───────▶ device session ─(the same)──▶
//!  a workload's own token ─(token exchange)─▶ workload session ───────────────────────▶ session tokens
//! ```
//!
//! Each operation is one transaction. What ends a session early is written to the live set in the
//! same transaction, and the publisher is told once it is committed.

mod browser;
mod code;
mod device;
mod end;
mod issuer;
mod list;
mod people;
mod pomerium;
mod provider;
mod provisioned;
mod refresh;
mod service_account;
mod user_code;
mod vouch;
mod workload;

use std::sync::Arc;
use std::time::Duration;

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use tokio::sync::Notify;

pub use self::browser::{Purpose, SignIn};
pub use self::code::{CodeExchange, CodeRequest};
pub use self::device::{Begun, DEVICE_LIFETIME, DeviceRefused, POLL_INTERVAL};
pub(crate) use self::end::News;
pub use self::list::{Cursor, Page};
pub use self::people::{Known, Named, PeoplePage, ShutOut};
pub use self::pomerium::{PomeriumGrant, PomeriumRefused};
pub use self::provider::{Leased, LoggedOut, LogoutToken};
pub use self::refresh::Review;
pub use self::service_account::{Issue, IssueRefused};
pub use self::user_code::{UserCode, UserCodes};
pub use self::workload::{Exchanged, MOST_OF_A_WORKLOAD};
use crate::random::RandomError;
use crate::scim::{Directories, NotProvisioned};
pub use crate::store::device::{DeviceGrant, DeviceRequest};
pub use crate::store::disabled::Disabled;
pub use crate::store::service_account::ServiceAccount;
pub use crate::store::session::{EndReason, Holder, Session, SessionKind};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;

/// How far apart clocks may be.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// Why a session is over that reached its longest life, beside the reasons of [`EndReason`].
pub const EXPIRED: &str = "expired";

/// How long an authorization code can be traded.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How long when a person has to carry it to another machine.
pub const COPIED_CODE_LIFETIME: Duration = Duration::from_secs(300);

/// The configured limits of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a session token lives.
    pub token_lifetime: Duration,
    /// How long after the sign-in a session ends, however much it is used.
    pub max_lifetime: Duration,
    /// How long a session may go unused.
    pub idle_timeout: Duration,
    /// How many sessions one person may have; the oldest gives way.
    pub max_per_person: usize,
    /// Whether a machine without a browser may get a session by the device flow.
    pub device_flow: bool,
}

/// All sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    limits: Limits,
    metrics: Arc<Metrics>,
    ended: Arc<Notify>,
    directories: Arc<Directories>,
}

/// What a grant gives to a client.
#[derive(Debug)]
pub struct Issued {
    /// The session that it was made from.
    pub session: Session,
    /// When the token that goes with it ends.
    pub token_until: Timestamp,
    /// The next refresh secret.
    pub refresh: Secret,
}

/// Something about sessions failed that is not the client's doing.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The person may not sign in.
    #[error("{} is disabled", .0.person)]
    Disabled(Box<Disabled>),
    /// What the provider has pushed says that the person may not go on.
    #[error(transparent)]
    NotProvisioned(NotProvisioned),
}

impl From<sqlx::Error> for SessionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why a grant is refused.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such code or secret, or it is forgotten.
    #[error("it is not known")]
    Unknown,
    /// It was made for another client, redirect URI or verifier.
    #[error("it was made for another request")]
    Mismatch,
    /// The code came too late.
    #[error("it has expired")]
    Expired,
    /// It was used before, and what came of it too: somebody else may hold a copy. The session has been ended.
    #[error("it was used twice, so the session was ended")]
    Reused,
    /// Nobody has allowed or denied it.
    #[error("nobody has decided")]
    Pending,
    /// The client asks too often: it has to wait so long between two questions.
    #[error("the client has to wait {} s between two questions", .0.as_secs())]
    SlowDown(Duration),
    /// Somebody denied it.
    #[error("it was denied")]
    Denied,
    /// A workload has as many sessions as one may have.
    #[error("there are {MOST_OF_A_WORKLOAD} live sessions of this workload")]
    TooMany,
    /// The session is over.
    #[error("the session is over ({reason})")]
    SessionOver {
        /// Why, in one stable word: [`EXPIRED`], or as [`EndReason`] has it.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
    /// Something failed that is not the client's doing.
    #[error(transparent)]
    Failed(#[from] SessionError),
}

impl From<StoreError> for GrantError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<sqlx::Error> for GrantError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<RandomError> for GrantError {
    fn from(error: RandomError) -> Self {
        Self::Failed(error.into())
    }
}

impl GrantError {
    /// A stable word for logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Mismatch => "mismatch",
            Self::Expired => "expired",
            Self::Reused => "reused",
            Self::Pending => "pending",
            Self::SlowDown(_) => "slowed-down",
            Self::Denied => "denied",
            Self::TooMany => "too-many",
            Self::SessionOver { .. } => "session-over",
            Self::Failed(SessionError::Disabled(_)) => "account-disabled",
            Self::Failed(SessionError::NotProvisioned(_)) => "not-provisioned",
            Self::Failed(_) => "internal",
        }
    }

    fn ended(reason: EndReason, at: Timestamp) -> Self {
        Self::SessionOver { reason: reason.as_str().to_owned(), at }
    }
}

impl Sessions {
    /// The sessions in `store`, held to `limits`.
    #[must_use]
    pub fn new(store: Store, limits: Limits, metrics: Arc<Metrics>) -> Self {
        Self { store, limits, metrics, ended: Arc::new(Notify::new()), directories: Arc::default() }
    }

    /// The same, in step with what providers push.
    #[must_use]
    pub fn with_directories(self, directories: Arc<Directories>) -> Self {
        Self { directories, ..self }
    }

    /// Wakes when a session was ended that gateways must hear of.
    #[must_use]
    pub fn ended(&self) -> Arc<Notify> {
        Arc::clone(&self.ended)
    }

    /// The configured limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// When a token made now from `session` ends: never after the session.
    fn token_until(&self, session: &Session, now: Timestamp) -> Timestamp {
        now.after(self.limits.token_lifetime).min(session.expires_at)
    }
}

/// Refuses a session that is over.
fn check_live(session: &Session, now: Timestamp) -> Result<(), GrantError> {
    if let Some((at, reason)) = &session.ended {
        return Err(GrantError::SessionOver { reason: reason.clone(), at: *at });
    }
    if !session.is_live(now) {
        return Err(GrantError::SessionOver { reason: EXPIRED.to_owned(), at: session.expires_at });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
