//! `kubegate bundle`: the bundle for gateways that reach no control plane.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use kubegate_core::bundle::{ChangesDocument, LiveDocument, PolicyDocument, WholeBundle};
use kubegate_core::time::{parse_duration, show_duration};
use serde::de::DeserializeOwned;

use super::access_token;
use crate::args::{ServerArgs, SignInArgs};
use crate::clock::UnixTime;
use crate::failure::Failure;
use crate::output::{self, printable, say};

/// Bundles for gateways that reach no control plane
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate bundle export --valid-for 30d -o bundle.json")]
pub(crate) struct Bundle {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    Export(Export),
}

/// Export the policy in force and the live set, for "inline_bundle" of the plugin configuration
///
/// For administrators. The gateway that gets it needs no control plane until the bundle expires; but
/// it hears of no revocation, elevation or edit that comes later: export again, and replace it. People
/// get their tokens from the control plane all the same.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate bundle export --valid-for 30d -o bundle.json
  jq '.inline_bundle = input' plugin.json bundle.json > plugin-with-bundle.json")]
struct Export {
    /// How long the bundle counts, 1h to 365d
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = long_duration)]
    valid_for: Duration,

    /// Where to write it, readable by you alone [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// The control plane's answer is none.
    #[error("the control plane answered with something that is no bundle. Are both of the same version?")]
    Unreadable,
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Bundle {
    /// Runs the command below.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            BundleCommand::Export(command) => command.run(),
        }
    }
}

impl Export {
    fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let token = access_token(&client, &self.sign_in)?;
        let path = format!("/api/v1/bundle?valid_for={}", show_duration(self.valid_for));
        let answer = client.download(&path, &token, "for the bundle")?;
        let summary = summary(&answer.body).ok_or(BundleError::Unreadable)?;
        match &self.output {
            Some(path) => {
                write(path, &answer.body).map_err(|source| BundleError::Write { path: path.clone(), source })?;
            }
            None => output::result(&String::from_utf8_lossy(&answer.body)).map_err(Failure::Output)?,
        }
        say(&summary);
        if let Some(until) = answer.headers.get("kubegate-token-keys-until").and_then(|value| value.to_str().ok()) {
            say(&format!(
                "kubegate: session tokens made after {} may have a key that is not in it: export again before",
                printable(until)
            ));
        }
        Ok(())
    }
}

/// What is in a bundle, in a line.
fn summary(body: &[u8]) -> Option<String> {
    let bundle: WholeBundle = serde_json::from_slice(body).ok()?;
    let (policy, live): (PolicyDocument, LiveDocument) = (payload(&bundle.policy)?, payload(&bundle.live)?);
    let changes: ChangesDocument = payload(&bundle.changes)?;
    let expires = UnixTime(changes.expires_at?.seconds()).rfc3339();
    Some(format!(
        "kubegate: policy {} in {} parts, live set {} with {} entries; expires at {expires}; {} bytes",
        policy.version,
        bundle.parts.len(),
        changes.version,
        live.entries.len().saturating_add(changes.entries.len()),
        body.len(),
    ))
}

/// What a signed document says. Gateways check the signature.
fn payload<T: DeserializeOwned>(document: &str) -> Option<T> {
    let payload = URL_SAFE_NO_PAD.decode(document.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Replaces the file in one step; it names people, so it is the owner's alone.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Reads `12h`, `30d`, between an hour and a year.
fn long_duration(text: &str) -> Result<Duration, &'static str> {
    const BOUNDS: std::ops::RangeInclusive<Duration> = Duration::from_secs(3600)..=Duration::from_secs(365 * 86_400);
    parse_duration(text)
        .filter(|duration| BOUNDS.contains(duration))
        .ok_or("write it like 12h or 30d, between 1h and 365d")
}
