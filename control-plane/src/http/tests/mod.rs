//! The routers on a real store, with a clock of the test's own.

mod bundle;
mod hostile;
mod idp;
mod oidc;
mod routes;
mod story;
mod world;
