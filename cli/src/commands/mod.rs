//! The commands, one file each: its arguments, its help, and what it does.

pub(crate) mod admin;
pub(crate) mod clusters;
pub(crate) mod completion;
pub(crate) mod credential;
pub(crate) mod keys;
pub(crate) mod kubeconfig;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod policy;
pub(crate) mod whoami;

use std::io::{self, IsTerminal};

use crate::session::May;

/// A command that a person typed signs in by itself; a script is told to do so.
fn person_may() -> May {
    if io::stdin().is_terminal() { May::SignIn } else { May::OnlyRefresh }
}
