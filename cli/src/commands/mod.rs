//! The commands, one file each: its arguments, its help, and what it does.

pub(crate) mod admin;
pub(crate) mod bundle;
pub(crate) mod clusters;
pub(crate) mod completion;
pub(crate) mod credential;
pub(crate) mod envoy;
pub(crate) mod keys;
pub(crate) mod kubeconfig;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod policy;
pub(crate) mod sessions;
pub(crate) mod whoami;

use std::io::{self, IsTerminal};

use crate::args::SignInArgs;
use crate::cache::Store;
use crate::client::Client;
use crate::failure::Failure;
use crate::secret::Secret;
use crate::session::{May, Session};

/// A command that a person typed signs in by itself; a script is told to do so.
fn person_may() -> May {
    if io::stdin().is_terminal() { May::SignIn } else { May::OnlyRefresh }
}

/// A token for the control plane's own API.
fn access_token(client: &Client, sign_in: &SignInArgs) -> Result<Secret, Failure> {
    let store = Store::open(client.server())?;
    Ok(Session::take(&store, client, sign_in.timeout)?.access_token(&sign_in.options(), person_may())?)
}
