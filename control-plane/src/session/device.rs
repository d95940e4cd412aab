//! Sessions of machines without a browser, by the device authorization grant (RFC 8628).
//!
//! ```text
//!  machine ─▶ device code + user code ─▶ … polls … ─────────────────────▶ device session
//!  person ──▶ user code in a browser that is signed in, "allow" ─┘ the session comes from that sign-in
//! ```

use std::time::Duration;

use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;

use super::user_code::{UserCode, UserCodes};
use super::{GrantError, Issued, Review, SessionError, Sessions, check_live};
use crate::accounts::limiter::network;
use crate::person::Identity;
use crate::random;
use crate::store::device::{self, Decision, DeviceGrant, DeviceRequest};
use crate::store::session::{self, Holder, Session, SessionKind};
use crate::store::{SecretHash, Write};

/// How long a request can be decided and traded.
pub const DEVICE_LIFETIME: Duration = Duration::from_secs(600);

/// How long a client waits between two questions, and by how much longer each time that it did not.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// It never has to wait longer.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// How much too early a question may come: the way to us is not always equally long.
const JITTER: Duration = Duration::from_secs(1);

/// How many requests may wait for a person, from everywhere. Beyond that the network with most of them loses its oldest.
pub(super) const MOST_WAITING: u32 = 2000;

/// How many may wait from one network. A machine where many people work has one address for all of them.
pub(super) const MOST_WAITING_HERE: u32 = 100;

/// A request that was begun.
#[derive(Debug)]
pub struct Begun {
    /// What the machine trades.
    pub device_code: Secret,
    /// What the person types.
    pub user_code: UserCode,
}

/// Why a request is not begun.
#[derive(Debug, thiserror::Error)]
pub enum DeviceRefused {
    /// As many wait from this network as may.
    #[error("{MOST_WAITING_HERE} sign-ins from this network wait for somebody to allow them")]
    TooMany,
    /// Something failed that is not the client's doing.
    #[error(transparent)]
    Failed(#[from] SessionError),
}

impl Sessions {
    /// Begins a request.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn begin_device(
        &self,
        request: DeviceRequest,
        codes: &UserCodes,
        now: Timestamp,
    ) -> Result<Begun, DeviceRefused> {
        let begun = async {
            let network = network(request.address).to_string();
            let device_code = random::secret("kgd_")?;
            let user_code = UserCode::new()?;
            let grant = DeviceGrant {
                request,
                created_at: now,
                expires_at: now.after(DEVICE_LIFETIME),
                interval: POLL_INTERVAL,
                polled_at: Timestamp::default(),
                decision: None,
                spent: false,
                issued_session: None,
            };
            let mut tx = self.store.write().await?;
            let (here, everywhere) = device::waiting(&mut tx, &network, now).await?;
            if here >= MOST_WAITING_HERE {
                return Ok(None);
            }
            if everywhere >= MOST_WAITING {
                device::make_room(&mut tx, now).await?;
            }
            let hashes = (SecretHash::of(&device_code), codes.hash(&user_code));
            device::insert(&mut tx, hashes, &grant, &network).await?;
            tx.commit().await?;
            Ok::<_, SessionError>(Some(Begun { device_code: Secret::from(device_code), user_code }))
        };
        begun.await?.ok_or(DeviceRefused::TooMany)
    }

    /// The request of `user_code` that waits for a person.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_device(
        &self,
        user_code: SecretHash,
        now: Timestamp,
    ) -> Result<Option<DeviceGrant>, SessionError> {
        Ok(device::find_waiting(&mut *self.store.read().await?, user_code, now).await?)
    }

    /// Writes down what the person of `browser` said; `false` when nobody waits for it any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn decide_device(
        &self,
        user_code: SecretHash,
        browser: &Session,
        allow: bool,
        now: Timestamp,
    ) -> Result<bool, SessionError> {
        let mut tx = self.store.write().await?;
        let decided = device::decide(&mut tx, user_code, allow.then_some(&browser.id), now).await?;
        tx.commit().await?;
        Ok(decided)
    }

    /// What was asked for with this device code, whatever became of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn device(&self, device_code: &str) -> Result<Option<DeviceGrant>, SessionError> {
        Ok(device::find(&mut *self.store.read().await?, SecretHash::of(device_code)).await?)
    }

    /// Trades a device code for a session, of the person as `review` says that the person is now. The code works once;
    /// its second use ends what came of it.
    ///
    /// # Errors
    /// Why there is none, or not yet.
    pub async fn redeem_device(
        &self,
        device_code: &str,
        holder: Holder,
        review: impl Fn(&Identity) -> Review + Send,
        now: Timestamp,
    ) -> Result<Issued, GrantError> {
        let hash = SecretHash::of(device_code);
        // What is not there, or has nothing to be written down, needs no turn at the one writing connection.
        let known = device::find(&mut *self.store.read().await?, hash).await?.ok_or(GrantError::Unknown)?;
        if !known.spent && now >= known.expires_at {
            return Err(GrantError::Expired);
        }
        if known.decision.is_none() && is_early(&known, now) && known.interval >= LONGEST_INTERVAL {
            return Err(GrantError::SlowDown(known.interval));
        }
        let mut tx = self.store.write().await?;
        let grant = device::find(&mut tx, hash).await?.ok_or(GrantError::Unknown)?;
        if grant.spent {
            let news = self.end_issued(&mut tx, grant.issued_session.as_ref(), now).await?;
            self.commit(tx, news).await?;
            return Err(GrantError::Reused);
        }
        if is_early(&grant, now) {
            let interval = (grant.interval + POLL_INTERVAL).min(LONGEST_INTERVAL);
            device::polled(&mut tx, hash, grant.polled_at, interval).await?;
            tx.commit().await?;
            return Err(GrantError::SlowDown(interval));
        }
        let Some(decision) = grant.decision else {
            device::polled(&mut tx, hash, now, grant.interval).await?;
            tx.commit().await?;
            return Err(GrantError::Pending);
        };
        let browser = match decision {
            Decision::Denied => {
                device::spend(&mut tx, hash, None, now).await?;
                tx.commit().await?;
                return Err(GrantError::Denied);
            }
            Decision::Allowed(browser) => session::find(&mut tx, &browser).await?.ok_or(GrantError::Unknown)?,
        };
        self.issue_to_device(tx, hash, browser, holder, review, now).await
    }

    /// The session of a machine that a browser's sign-in vouches for.
    async fn issue_to_device(
        &self,
        mut tx: Write,
        hash: SecretHash,
        mut browser: Session,
        holder: Holder,
        review: impl Fn(&Identity) -> Review + Send,
        now: Timestamp,
    ) -> Result<Issued, GrantError> {
        if let Err(error) = check_live(&browser, now) {
            device::spend(&mut tx, hash, None, now).await?;
            tx.commit().await?;
            return Err(error);
        }
        if let Some((reason, error)) = self.over_by_now(&mut tx, &mut browser, review, now).await? {
            device::spend(&mut tx, hash, None, now).await?;
            self.end_and_commit(tx, &browser, reason, now).await?;
            return Err(error);
        }
        let session = self.of_browser(&browser, SessionKind::Device, holder, now)?;
        let (issued, news) = self.begin_vouched(&mut tx, session, now).await?;
        device::spend(&mut tx, hash, Some(&issued.session.id), now).await?;
        self.commit(tx, news).await?;
        Ok(issued)
    }
}

/// Whether the client asks before it may: it has asked, and not waited as long as it was told.
fn is_early(grant: &DeviceGrant, now: Timestamp) -> bool {
    grant.polled_at > Timestamp::default() && now.since(grant.polled_at) + JITTER < grant.interval
}
