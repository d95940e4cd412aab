//! The routers on a real store, with a clock of the test's own.

mod administrators;
mod bundle;
mod device;
mod ended;
mod export;
mod gateway;
mod hang_up;
mod hostile;
mod idp;
mod idp_again;
mod log;
mod logout;
mod oidc;
mod recheck;
mod restore;
mod routes;
mod status;
mod step_up;
mod story;
mod world;
