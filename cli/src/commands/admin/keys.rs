//! `kubegate admin keys`

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Common;
use crate::args::parse_duration;
use crate::failure::Failure;
use crate::output::{printable, say, table};

/// List the keys that sign tokens, or replace the one in use
///
/// The control plane replaces it by itself, about once a month. The next key is published before it
/// signs, and the old one is believed until its last token has ended, so nobody notices.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin keys
  kubegate admin keys rotate
  kubegate admin keys rotate --now")]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Option<KeysCommand>,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Rotate(Rotate),
}

/// Replace the key that signs tokens
///
/// Without --now nobody notices. With it, which is for a key that somebody else may hold, every token
/// that was ever signed is refused at once, and every open stream (logs -f, exec, watch) is cut;
/// kubectl gets a new token by itself, and nobody has to sign in again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin keys rotate
  kubegate admin keys rotate --publish-for 1h
  kubegate admin keys rotate --now")]
struct Rotate {
    /// How long gateways have the next key before it signs, 1s to 24h
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration, conflicts_with = "now")]
    publish_for: Duration,

    /// The key of which tokens: `session`, or `pomerium` for those of pomerium-cli and service accounts, which cannot be
    /// renewed: with --now everybody signs in anew there, and service accounts need new tokens
    #[arg(long = "for", value_name = "TOKENS", default_value = "session", value_parser = ["session", "pomerium"])]
    purpose: String,

    /// The key may be in other hands: believe no token that it has signed
    #[arg(long)]
    now: bool,

    #[command(flatten)]
    common: Common,
}

/// A key as the control plane shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Key {
    kid: String,
    #[serde(default)]
    purpose: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signs_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retires_at: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    keys: Vec<Key>,
}

impl Keys {
    /// Lists, or does what the command below says.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if let Some(KeysCommand::Rotate(rotate)) = &self.command {
            return rotate.run();
        }
        let list: List = self.common.api()?.get("/api/v1/keys", "for the keys")?;
        self.common.print(&list, |list| {
            let heading = ["KEY", "FOR", "STATE", "MADE", "SIGNS FROM", "BELIEVED UNTIL"].map(str::to_owned).to_vec();
            table(&std::iter::once(heading).chain(list.keys.iter().map(Key::row)).collect::<Vec<_>>())
        })
    }
}

impl Rotate {
    fn run(&self) -> Result<(), Failure> {
        let of_sessions = self.purpose == "session";
        let body = if self.now {
            json!({"now": true, "purpose": self.purpose})
        } else {
            json!({"publishFor": self.publish_for.as_secs(), "purpose": self.purpose})
        };
        let made: Key = self.common.api()?.post("/api/v1/keys/rotations", &body, "for another key")?;
        if self.now && of_sessions {
            say("kubegate: every token that was signed before is refused from now on; kubectl gets new ones by itself");
        }
        self.common.print(&made, |made| table(&[made.row()]))
    }
}

impl Key {
    fn row(&self) -> Vec<String> {
        let at = |at: &Option<String>, none: &str| printable(at.as_deref().unwrap_or(none));
        vec![
            printable(&self.kid),
            printable(&self.purpose),
            printable(&self.state),
            at(&self.created_at, "given"),
            at(&self.signs_from, "-"),
            at(&self.retires_at, "replaced"),
        ]
    }
}
