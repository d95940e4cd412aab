//! The built `kubegate` against a control plane made of a socket, and a person made of a thread.

mod fake;
mod http;
mod world;

mod credential;
mod kubeconfig;
mod login;
mod operators;
mod people;
