//! What gateways ask for.

pub(super) mod bundle;
pub(super) mod metrics;
