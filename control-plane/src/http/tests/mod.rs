//! The routers on a real store, with a clock of the test's own.

mod administrators;
mod bundle;
mod by_email;
mod client_key;
mod ended;
mod export;
mod gateway;
mod github;
mod groups;
mod hang_up;
mod hostile;
mod idp;
mod keys;
mod log;
mod oidc;
mod providers;
mod restore;
mod routes;
mod status;
mod step_up;
mod story;
mod workloads;
mod world;
