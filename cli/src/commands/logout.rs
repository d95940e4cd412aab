//! `kubegate logout`

use std::time::Duration;

use clap::Args;

use crate::args::ServerArgs;
use crate::cache::Store;
use crate::failure::Failure;
use crate::oauth;
use crate::output::say;
use crate::session::Session;

/// End the session at the control plane and forget it here
///
/// The session ends at once: tokens already given out are refused by the gateways within moments,
/// and open streams are cut. When the control plane cannot be reached, the sign-in is still removed
/// from this computer, and what remains is said.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate logout
  kubegate logout --server https://kubegate.example.com")]
pub(crate) struct Logout {
    #[command(flatten)]
    server: ServerArgs,
}

impl Logout {
    /// Revokes, then removes; removes even when revoking fails.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let mut session = Session::take(&store, &client, Duration::from_secs(10))?;
        let Some(cached) = session.cached() else {
            session.forget()?;
            say(&format!("kubegate: not signed in to {}", client.server()));
            return Ok(());
        };
        let revoked = match &cached.endpoints.revocation {
            Some(endpoint) => oauth::revoke(&client, endpoint, &cached.refresh_secret),
            None => Ok(()),
        };
        session.forget()?;
        match revoked {
            Ok(()) => {
                say(&format!("kubegate: signed out of {}", client.server()));
                Ok(())
            }
            Err(error) => {
                say("kubegate: the sign-in was removed from this computer, but the session could not be ended at \
                     the control plane: it stays there until it times out, and tokens already given out work until \
                     they end. An operator can end it sooner");
                Err(error.into())
            }
        }
    }
}
