//! OAuth 2.0 towards our own clients.

pub(super) mod authorize;
pub(super) mod code_page;
pub(super) mod device;
pub(super) mod jwks;
pub(super) mod metadata;
mod refusal;
pub(super) mod request;
pub(super) mod revoke;
pub(super) mod token;

/// The one client: the command line. It is public, it has no secret.
pub(super) const CLIENT: &str = "kubegate-cli";

/// The grant type of a machine without a browser (RFC 8628 section 3.4).
pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a resource indicator (RFC 8707) of a cluster begins with; the cluster's name follows.
pub(super) const RESOURCE: &str = "urn:kubegate:cluster:";
