//! OAuth 2.0 towards our own clients.

pub(super) mod authorize;
pub(super) mod code_page;
mod exchange;
pub(super) mod jwks;
pub(super) mod metadata;
mod refusal;
pub(super) mod request;
pub(super) mod revoke;
pub(super) mod token;

/// The one client: the command line. It is public, it has no secret.
pub(crate) const CLIENT: &str = "kubegate-cli";

/// What a resource indicator (RFC 8707) of a cluster begins with; the cluster's name follows.
pub(super) const RESOURCE: &str = "urn:kubegate:cluster:";
