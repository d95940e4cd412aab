//! `kubegate logout`

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use ureq::http::Method;

use crate::args::ServerArgs;
use crate::cache::Store;
use crate::client::Client;
use crate::failure::Failure;
use crate::oauth;
use crate::output::say;
use crate::session::Session;

/// End the session at the control plane and forget it here
///
/// The session ends at once: tokens already given out are refused by the gateways within moments,
/// and open streams are cut. When the control plane cannot be reached, the sign-in is still removed
/// from this computer, and what remains is said. Your browser stays signed in, here and at the
/// identity provider; sign out on the control plane's start page to end both.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate logout
  kubegate logout --everywhere
  kubegate logout --server https://kubegate.example.com")]
pub(crate) struct Logout {
    #[command(flatten)]
    server: ServerArgs,

    /// End all your sessions: on every computer, in every browser, of every client
    #[arg(long)]
    everywhere: bool,
}

/// What the control plane answers to that.
#[derive(Debug, Deserialize)]
struct Everywhere {
    sessions: u64,
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
        if self.everywhere {
            return everywhere(&client, session);
        }
        let revoked = match &cached.endpoints.revocation {
            Some(endpoint) => oauth::revoke(&client, endpoint, &cached.refresh_secret),
            None => Ok(()),
        };
        session.forget()?;
        match revoked {
            Ok(()) => {
                say(&format!(
                    "kubegate: signed out of {0}. A browser that is signed in there, or at your identity provider, stays so; \
                     sign out there: {1}",
                    client.server(),
                    client.server().join("/")
                ));
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

/// Ends all sessions of the person. Without a session of one's own nobody may; then nothing is removed, because that would
/// look like success.
fn everywhere(client: &Client, mut session: Session<'_>) -> Result<(), Failure> {
    let Some(token) = session.refresh(None)? else {
        return Err(session.over().into());
    };
    let ended: Everywhere =
        client.call((Method::DELETE, "/api/v1/sessions"), &token.token, None, "for the end of all sessions")?;
    session.forget()?;
    say(&format!(
        "kubegate: signed out of {0} everywhere; sessions ended: {1}. Your browser may still be signed in at your identity \
         provider, which signs in here without asking: sign out there too",
        client.server(),
        ended.sessions
    ));
    Ok(())
}
