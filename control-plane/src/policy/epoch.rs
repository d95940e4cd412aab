//! Epochs: after the store was restored from a backup, gateways hold newer versions than it remembers, and refuse what looks
//! older. A new epoch comes after all of them.

use kubegate_core::time::Timestamp;

use crate::store::bundle_version;
use crate::store::{Store, StoreError};

/// Begins a new epoch: the seconds since 1970, which are more than at any backup. A publisher that runs takes it up with
/// its next heartbeat, another one when it starts.
///
/// # Errors
/// When the store fails.
pub async fn begin_epoch(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut tx = store.write().await?;
    let before = bundle_version::epoch(&mut tx).await?.unwrap_or_default();
    let epoch = now.seconds().max(before.saturating_add(1));
    bundle_version::begin_epoch(&mut tx, epoch).await?;
    tx.commit().await?;
    Ok(epoch)
}
