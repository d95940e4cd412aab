//! The command line, with the help that teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::cache;
use crate::client::Client;
use crate::failure::Failure;
use crate::server::ServerUrl;
use crate::sign_in::{Demand, SignInOptions, Way};
use crate::tls::Trust;

/// Use kubectl through Envoy with your company sign-in.
#[derive(Debug, Parser)]
#[command(name = "kubegate", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Begin with:
  kubegate kubeconfig --server https://kubegate.example.com --all
  kubectl --context prod get pods

Exit codes: 0 done, 1 failed or the answer is no, 2 wrong command line, 3 not signed in,
4 the control plane cannot be reached.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Login(crate::commands::login::Login),
    Logout(crate::commands::logout::Logout),
    Whoami(crate::commands::whoami::Whoami),
    Sessions(crate::commands::sessions::Sessions),
    Clusters(crate::commands::clusters::Clusters),
    Kubeconfig(crate::commands::kubeconfig::Kubeconfig),
    Credential(crate::commands::credential::Credential),
    Policy(crate::commands::policy::Policy),
    Keys(crate::commands::keys::Keys),
    Envoy(crate::commands::envoy::Envoy),
    Admin(crate::commands::admin::Admin),
    Bundle(crate::commands::bundle::Bundle),
    Completion(crate::commands::completion::Completion),
}

/// Which control plane.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// Public URL of the control plane [default: the only one that you are signed in to]
    #[arg(long, value_name = "URL", env = "KUBEGATE_SERVER")]
    pub(crate) server: Option<String>,

    /// PEM file with certificate authorities to trust beside the system's
    #[arg(long, value_name = "FILE", env = "KUBEGATE_CERTIFICATE_AUTHORITY")]
    pub(crate) certificate_authority: Option<PathBuf>,

    /// Do not check the control plane's certificate: anybody in between can take your session
    #[arg(long, conflicts_with = "certificate_authority")]
    pub(crate) insecure_skip_tls_verify: bool,
}

/// How to sign in when that is needed.
#[derive(Clone, Debug, Args)]
pub(crate) struct SignInArgs {
    /// Open a browser here, even where there seems to be none
    #[arg(long, conflicts_with_all = ["device", "no_browser"])]
    pub(crate) browser: bool,

    /// Show a code to type in a browser on any device [default where no browser can open]
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) device: bool,

    /// Print a URL for a browser anywhere, whose last page shows a code to enter here
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// Identity provider to sign in with, when the control plane has several
    #[arg(long, value_name = "ID")]
    pub(crate) provider: Option<String>,

    /// Your e-mail address, whose domain chooses the identity provider
    #[arg(long, value_name = "ADDRESS", conflicts_with = "provider")]
    pub(crate) email: Option<String>,

    /// How long to wait for the sign-in, such as 90s, 5m, 1h
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

impl ServerArgs {
    /// The control plane meant.
    pub(crate) fn server(&self) -> Result<ServerUrl, Failure> {
        if let Some(text) = &self.server {
            return Ok(text.parse()?);
        }
        let mut known = cache::known_servers()?;
        match (known.pop(), known.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(Failure::NoServer),
            (Some(last), false) => {
                known.push(last);
                Err(Failure::ManyServers { servers: known.iter().map(ToString::to_string).collect() })
            }
        }
    }

    /// Whom to trust there.
    pub(crate) fn trust(&self) -> Trust {
        if self.insecure_skip_tls_verify {
            Trust::Insecure
        } else {
            Trust::System { extra: self.certificate_authority.clone() }
        }
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(&self.server()?, &self.trust())?)
    }
}

impl SignInArgs {
    /// The way that was asked for.
    fn way(&self) -> Way {
        match self {
            Self { browser: true, .. } => Way::Browser,
            Self { device: true, .. } => Way::Device,
            Self { no_browser: true, .. } => Way::PastedCode,
            _ => Way::Any,
        }
    }

    /// The option that asks for the same way.
    pub(crate) fn way_option(&self) -> Option<&'static str> {
        match self.way() {
            Way::Any => None,
            Way::Browser => Some("--browser"),
            Way::Device => Some("--device"),
            Way::PastedCode => Some("--no-browser"),
        }
    }

    /// The same, for the sign-in itself.
    pub(crate) fn options(&self) -> SignInOptions {
        SignInOptions {
            way: self.way(),
            is_read: true,
            json: false,
            provider: self.provider.clone(),
            email: self.email.clone(),
            stdin_is_ours: true,
            timeout: self.timeout,
            demand: Demand::default(),
        }
    }
}

/// Reads `90s`, `5m`, `1h30m`. Not zero, at most a day.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    kubegate_core::time::parse_duration(text)
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or("write it like 90s, 5m or 1h30m, between 1s and 24h")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn reads_durations() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5400), ("24h", 86_400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0s", "-1s", "2d", "2", "m", "25h", "99999999999999999999s", "5 m"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
