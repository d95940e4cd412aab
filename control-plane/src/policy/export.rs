//! Whole bundles for plugin configurations, whose gateways reach no control plane.

use std::sync::Arc;
use std::time::Duration;

use kubegate_core::bundle::{LiveEntries, WholeBundle};
use kubegate_core::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::bundle::Bundle;
use super::signer::{PublishError, Signer};

/// Exports what is in force.
pub struct Exporter {
    signer: Arc<Signer>,
    bundle: watch::Receiver<Arc<Bundle>>,
    news: Arc<Notify>,
}

impl Exporter {
    /// Exports of `bundle`; `news` wakes its publisher.
    #[must_use]
    pub fn new(signer: Arc<Signer>, bundle: watch::Receiver<Arc<Bundle>>, news: Arc<Notify>) -> Self {
        Self { signer, bundle, news }
    }

    /// The policy in force and a live set of now that counts for `valid_for`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn export(&self, valid_for: Duration, now: Timestamp) -> Result<WholeBundle, PublishError> {
        let in_force = Arc::clone(&self.bundle.borrow().in_force);
        let entries = self.signer.entries(now).await?;
        let live = self.signer.snapshot(entries, now).await?;
        let none = LiveEntries::default();
        let changes = self.signer.changes(&in_force, &live, none, Some(now.after(valid_for)), now).await?;
        // A gateway that has this and reaches a control plane after all is to find something newer there.
        self.news.notify_one();
        Ok(WholeBundle {
            policy: in_force.document.clone(),
            parts: in_force.parts.iter().map(|part| part.text.clone()).collect(),
            live: live.document,
            changes: changes.document,
        })
    }
}
