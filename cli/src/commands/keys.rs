//! `kubegate keys`: the bundle key, made before anything is deployed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use kubegate_core::jws::{PrivateJwk, SigningKey};

use crate::failure::Failure;
use crate::output::{self, say};

/// A key file is never longer.
const MAX_FILE: u64 = 64 * 1024;

/// Make or show the key that signs the bundle
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate keys init --out bundle-key.json
  kubegate keys show bundle-key.json")]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Init(Init),
    Show(Show),
}

/// Make a new bundle key
///
/// Writes the private key to a file that only you can read, for the control plane, and prints the
/// public half as JSON, for the gateways: it belongs into "bundle_keys" of the plugin configuration.
/// Doing this before anything is deployed lets charts and GitOps pin the public half. An existing
/// file is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate keys init --out bundle-key.json
  kubegate keys init --out bundle-key.json > bundle-key.pub.json")]
struct Init {
    /// Where to write the private key
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Print the public half of a bundle key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate keys show bundle-key.json")]
struct Show {
    /// The private key's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// There is a file of that name.
    #[error("{} exists and may be in use. Choose another name, or move it away first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not a private key.
    #[error("{} is not a key that kubegate keys init made", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// No randomness to be had.
    #[error("the system gives no random numbers")]
    NoRandomness(#[from] getrandom::Error),
}

impl Keys {
    /// Runs the command below.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let key = match &self.command {
            KeysCommand::Init(Init { out }) => {
                let key = init(out)?;
                say(&format!(
                    "kubegate: the private key is in {}; keep it secret and give it to the control plane alone.\n\
                     The public half, for \"bundle_keys\" in the plugin configuration:",
                    out.display()
                ));
                key
            }
            KeysCommand::Show(Show { file }) => read(file)?,
        };
        output::json(key.public()).map_err(Failure::Output)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn init(path: &Path) -> Result<SigningKey, KeyError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed)?;
    let key = SigningKey::from_seed(seed);
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Io { action: "write", path: path.to_owned(), source },
    };
    let mut text = serde_json::to_string_pretty(&PrivateJwk::from(&key)).map_err(io::Error::other).map_err(failed)?;
    text.push('\n');
    let mut file = create(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut text)).map_err(|source| KeyError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice::<PrivateJwk>(&text)
        .ok()
        .and_then(|jwk| SigningKey::try_from(jwk).ok())
        .ok_or_else(|| KeyError::NotAKey { path: path.to_owned() })
}
