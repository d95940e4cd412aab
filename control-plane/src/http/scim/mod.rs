//! `/scim/v2/{provider}/…`: what identity providers push (RFC 7644). A file per endpoint.
//!
//! Every request shows the provider's token; whoever does not learns nothing, not even which providers there are.

mod answer;
pub(super) mod extract;
pub(super) mod group;
pub(super) mod groups;
mod query;
pub(super) mod resource_types;
pub(super) mod schemas;
pub(super) mod service_provider_config;
pub(super) mod unknown;
pub(super) mod user;
pub(super) mod users;
