//! The command line of the control plane.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kubegate_core::authoring::CheckedPolicy;
use kubegate_core::secret::Secret;

use crate::accounts::hash_password;
use crate::clock::Clock;
use crate::config::{Config, digest_of, schema};
use crate::policy;
use crate::store::Store;
use crate::telemetry::{self, LogFormat};
use crate::{random, serve};

pub(crate) const AFTER_HELP: &str = "\
Begin with a configuration:

  issuer: https://kubegate.example.com       # where people reach this service, through Envoy
  store: {path: /var/lib/kubegate/kubegate.db}
  policy: policy.yaml                        # watched; relative to the configuration
  keys: {bundle: bundle-key.json}            # made by `kubegate keys init`
  gateways:
    - {name: edge, credentialSha256: …}      # made by `kubegate-control-plane gateway-credential edge`
  accounts:
    - {user: alice@example.com, passwordHash: …, groups: [platform-admins]}

and an encryption key in KUBEGATE_ENCRYPTION_KEY (`head -c 32 /dev/urandom | base64`).
`--check` says everything that is wrong, at once. Exit codes: 0 all is well, 1 it is not, 2 the
command line itself is wrong.";

/// The control plane of Kubegate: signs people in, makes their session tokens, and gives every gateway the policy.
#[derive(Debug, Parser)]
#[command(name = "kubegate-control-plane", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Command {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args, Debug)]
struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "KUBEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Check the configuration and the policy, say all that is wrong, and exit
    #[arg(long)]
    check: bool,
    /// How log lines are written; KUBEGATE_LOG says which (such as info or debug)
    #[arg(long, value_enum, default_value = "text", env = "KUBEGATE_LOG_FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Read a password (from the terminal, or one line of standard input) and print its hash for `accounts`
    HashPassword,
    /// Make a credential for a gateway: print it, and what to put into the configuration
    GatewayCredential {
        /// The gateway's name
        name: String,
    },
    /// After restoring the store from a backup: begin a new epoch, so that gateways take what it gives out
    ///
    /// Gateways refuse what is older than what they have, and a restored store gives out just that. The control plane may
    /// run meanwhile; it takes the epoch up within half a minute.
    NewEpoch {
        /// The configuration file
        #[arg(long, value_name = "FILE", env = "KUBEGATE_CONFIG")]
        config: PathBuf,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

impl Command {
    /// Does what it says.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let done = match self.task {
            Some(Task::HashPassword) => print_hash(),
            Some(Task::GatewayCredential { name }) => print_credential(&name),
            Some(Task::NewEpoch { config }) => new_epoch(&config),
            Some(Task::Schema) => print_schema(),
            None => self.serve.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure { text, code }) => {
                complain(&text);
                ExitCode::from(code)
            }
        }
    }
}

/// What is printed before the exit.
struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    fn new(error: impl Into<anyhow::Error>) -> Self {
        Self { text: telemetry::chain(error.into().as_ref()), code: 1 }
    }
}

impl Serve {
    fn run(self) -> Result<(), Failure> {
        let Some(path) = self.config else {
            let text = "--config FILE is missing (see --help)".to_owned();
            return Err(Failure { text, code: 2 });
        };
        let (config, CheckedPolicy { policy, warnings }) = read(&path)?;
        if self.check {
            policy::check_size(config.issuer.as_str(), &policy).map_err(Failure::new)?;
            warnings.iter().for_each(|warning| complain(&warning.to_string()));
            return say(&format!("{}: good, with {}\n", path.display(), policy.extent()));
        }
        telemetry::log(self.log_format);
        policy::log_warnings(&config.policy, &warnings);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
        runtime.block_on(async {
            let stop = stop_signal().map_err(Failure::new)?;
            serve::serve(config, policy, stop).await.map_err(Failure::new)
        })
    }
}

/// The configuration and the policy, or everything that is wrong with both.
fn read(path: &Path) -> Result<(Config, CheckedPolicy), Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(path, &environment).map_err(Failure::new)?;
    let checked = policy::load_now(&config.policy).map_err(Failure::new)?;
    Ok((config, checked))
}

/// Done when the process is told to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn print_hash() -> Result<(), Failure> {
    let password = read_password().map_err(Failure::new)?;
    let hash = hash_password(&password).map_err(Failure::new)?;
    say(&format!("{hash}\n"))
}

fn print_credential(name: &str) -> Result<(), Failure> {
    let credential = Secret::from(random::secret("kgg_").map_err(Failure::new)?);
    let digest: String = digest_of(&credential).iter().map(|byte| format!("{byte:02x}")).collect();
    say(&format!(
        "The credential, for the gateway's own secret (it is shown only now):\n\n  {}\n\nFor `gateways` in the \
         configuration of the control plane:\n\n  - {{name: {name}, credentialSha256: {digest}}}\n",
        credential.expose()
    ))
}

fn new_epoch(config: &Path) -> Result<(), Failure> {
    let path = Config::store_of(config).map_err(Failure::new)?;
    if !path.is_file() {
        let text = format!("{}: there is no store (restore the backup to this place first)", path.display());
        return Err(Failure { text, code: 1 });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    let epoch = runtime.block_on(async {
        let store = Store::open(&path).await?;
        let epoch = policy::begin_epoch(&store, Clock::system().now()).await;
        store.close().await;
        epoch
    });
    let epoch = epoch.map_err(Failure::new)?;
    say(&format!(
        "{}: epoch {epoch} begins. A control plane that runs takes it up within half a minute, another one when it starts; \
         `kubegate admin status` then says that the gateways have the newest.\n",
        path.display()
    ))
}

fn print_schema() -> Result<(), Failure> {
    let schema = serde_json::to_string_pretty(&schema::configuration()).map_err(Failure::new)?;
    say(&format!("{schema}\n"))
}

/// One line of standard input. On a terminal the password is not shown.
fn read_password() -> std::io::Result<Secret> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let mut text = zeroize::Zeroizing::new(String::new());
        input.lock().take(4096).read_to_string(&mut text)?;
        return Ok(Secret::from(text.lines().next().unwrap_or_default()));
    }
    complain("Password: ");
    let _silence = Silence::begin();
    let mut text = zeroize::Zeroizing::new(String::new());
    input.read_line(&mut text)?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
}

/// Turns the terminal's echo off, and on again when dropped. `stty` is on every machine with a terminal.
struct Silence;

impl Silence {
    fn begin() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        stty("echo");
        complain("");
    }
}

fn stty(mode: &str) {
    let _ = std::process::Command::new("stty").arg(mode).status();
}

fn say(text: &str) -> Result<(), Failure> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::new)
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}
