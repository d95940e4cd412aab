//! The routers on a real store, with a clock of the test's own.

mod administrators;
mod bundle;
mod by_email;
mod client_key;
mod device;
mod ended;
mod export;
mod gateway;
mod github;
mod groups;
mod hang_up;
mod hostile;
mod idp;
mod log;
mod oidc;
mod pages;
mod providers;
mod restore;
mod routes;
mod scim;
mod status;
mod step_up;
mod story;
mod world;
