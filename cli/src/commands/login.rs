//! `kubegate login`

use std::time::Duration;

use clap::Args;

use crate::args::{ServerArgs, SignInArgs};
use crate::cache::Store;
use crate::failure::Failure;
use crate::oauth;
use crate::output::{self, say};
use crate::session::Session;
use crate::sign_in::{Demand, SignInOptions};

/// Sign in with the browser, or with a code in a browser on any other device
///
/// Opens the browser at the control plane's sign-in page and waits until you are through. Without a
/// display, over SSH, or with --device, it prints an address and a code: open the address on any
/// device, type the code, compare who asks, and allow it. Where that way is turned off, or with
/// --no-browser, it prints an address whose last page shows a code to enter here.
///
/// kubectl signs in by itself when it has to; this command does it before, or again. When a rule
/// demands a stronger or a fresher sign-in, the refusal that kubectl shows names the --acr and
/// --max-age to give here.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate login --server https://kubegate.example.com
  kubegate login --server https://kubegate.example.com --device
  kubegate login --provider okta
  kubegate login --acr phr,phrh --max-age 15m")]
pub(crate) struct Login {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Print what the person needs as the first line of JSON, and who signed in as the second
    #[arg(long, requires = "device")]
    json: bool,

    /// Get a session token for this cluster right away
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// Insist on a sign-in of one of these classes (acr), in your identity provider's words
    #[arg(long, value_name = "VALUE[,VALUE]", value_parser = parse_acr)]
    acr: Option<Classes>,

    /// Insist on a sign-in that is no older, such as 15m; 0s means: prove it now
    #[arg(long, value_name = "DURATION", value_parser = parse_max_age)]
    max_age: Option<Duration>,
}

/// Authentication context classes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Classes(Vec<String>);

impl Login {
    /// Signs in, whatever there was before.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let mut session = Session::take(&store, &client, self.sign_in.timeout)?;
        let replaced = session.cached().map(|cached| (cached.endpoints.clone(), cached.refresh_secret.clone()));
        session.sign_in(self.cluster.as_deref(), &self.options())?;
        if let Some((endpoints, secret)) = replaced
            && let Some(endpoint) = &endpoints.revocation
        {
            // Nobody has that session any more. When it cannot be ended now, it times out.
            let _ = oauth::revoke(&client, endpoint, &secret);
        }
        let user = session.cached().and_then(|cached| cached.user.as_deref());
        if self.json {
            let signed_in = serde_json::json!({ "server": client.server().as_str(), "user": user });
            output::result(&format!("{signed_in}\n")).map_err(Failure::Output)?;
        }
        let who = user.unwrap_or("you");
        say(&format!("kubegate: signed in to {} as {who}", client.server()));
        Ok(())
    }

    fn options(&self) -> SignInOptions {
        let acr = self.acr.as_ref().map(|classes| classes.0.clone()).unwrap_or_default();
        SignInOptions { demand: Demand { acr, max_age: self.max_age }, json: self.json, ..self.sign_in.options() }
    }
}

/// Reads `phr,phrh`: what a control plane takes, which is at most 8 values of visible ASCII in 512 characters.
fn parse_acr(text: &str) -> Result<Classes, &'static str> {
    let classes: Vec<String> = text.split(',').take(9).map(str::to_owned).collect();
    let is_class = |class: &String| !class.is_empty() && class.bytes().all(|byte| byte.is_ascii_graphic());
    let good = text.len() <= 512 && classes.len() <= 8 && classes.iter().all(is_class);
    good.then_some(Classes(classes)).ok_or("give at most 8 values without spaces, with commas between, like phr,phrh")
}

/// Reads `0s`, `15m`, `1h30m`. At most a leap year.
fn parse_max_age(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = Duration::from_secs(31_622_400);
    kubegate_core::time::parse_duration(text)
        .filter(|age| *age <= LONGEST)
        .ok_or("write it like 0s, 15m or 1h30m, at most 366d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_demands() {
        let classes = |values: &[&str]| Classes(values.iter().map(|value| (*value).to_owned()).collect());
        assert_eq!(parse_acr("phr"), Ok(classes(&["phr"])));
        assert_eq!(parse_acr("urn:example:silver,2"), Ok(classes(&["urn:example:silver", "2"])));
        for text in ["", ",", "a,", "a b", "a, b", "\u{e9}", "1,2,3,4,5,6,7,8,9", &"a".repeat(513)] {
            assert!(parse_acr(text).is_err(), "{text}");
        }
        assert_eq!(parse_max_age("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_max_age("366d"), Ok(Duration::from_secs(31_622_400)));
        for text in ["", "0", "-1s", "367d", "15", "99999999999999999999s"] {
            assert!(parse_max_age(text).is_err(), "{text}");
        }
    }
}
