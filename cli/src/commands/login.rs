//! `kubegate login`

use clap::Args;

use crate::args::{ServerArgs, SignInArgs};
use crate::cache::Store;
use crate::failure::Failure;
use crate::oauth;
use crate::output::say;
use crate::session::Session;

/// Sign in with the browser, or with a code from any other computer
///
/// Opens the browser at the control plane's sign-in page and waits until you are through. Without a
/// display, over SSH, or with --no-browser, it prints an address for any browser anywhere; the last
/// page there shows a code to enter here.
///
/// kubectl signs in by itself when it has to; this command does it before, or again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate login --server https://kubegate.example.com
  kubegate login --server https://kubegate.example.com --no-browser
  kubegate login --provider okta")]
pub(crate) struct Login {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Get a session token for this cluster right away
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
}

impl Login {
    /// Signs in, whatever there was before.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let mut session = Session::take(&store, &client, self.sign_in.timeout)?;
        let replaced = session.cached().map(|cached| (cached.endpoints.clone(), cached.refresh_secret.clone()));
        session.sign_in(self.cluster.as_deref(), &self.sign_in.options())?;
        if let Some((endpoints, secret)) = replaced
            && let Some(endpoint) = &endpoints.revocation
        {
            // Nobody has that session any more. When it cannot be ended now, it times out.
            let _ = oauth::revoke(&client, endpoint, &secret);
        }
        let who = session.cached().and_then(|cached| cached.user.as_deref()).unwrap_or("you");
        say(&format!("kubegate: signed in to {} as {who}", client.server()));
        Ok(())
    }
}
