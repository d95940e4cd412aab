//! What of the control plane's answers is kept in the cache as it is.

use serde::{Deserialize, Serialize};

/// The endpoints of a control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// Where the browser begins.
    pub(crate) authorization: String,
    /// Where codes and refresh secrets become tokens.
    pub(crate) token: String,
    /// Where a session is ended.
    pub(crate) revocation: Option<String>,
    /// Where a sign-in without a browser begins; `None` where there is no such way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_authorization: Option<String>,
}

/// A cluster as clients reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClusterInfo {
    /// Its name in the policy.
    pub(crate) name: String,
    /// Its URL.
    pub(crate) server: String,
    /// Whom to trust there: base64 of PEM; the machine's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_authority_data: Option<String>,
}
