//! What identity providers push by SCIM: users, groups, and which people who signed in they mean.
//!
//! All of it is of one provider, and is only ever looked for together with that provider.

pub mod group;
pub mod person;
pub mod push;
pub mod user;
