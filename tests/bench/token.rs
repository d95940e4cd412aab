//! What stands in the session token of the one who asks.

use kubegate_core::token::SessionClaims;
use kubegate_tests::issuer::Issuer;

use crate::company::{CLUSTER, Subject};

impl Subject {
    /// The claims of a session token.
    pub(crate) fn claims(issuer: &Issuer) -> SessionClaims {
        issuer.claims(CLUSTER, Self::USER, &Self::GROUPS)
    }
}
