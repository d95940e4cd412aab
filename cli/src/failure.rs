//! What ends a command, and with which exit code.

use std::io;

use crate::cache::CacheError;
use crate::client::ClientError;
use crate::commands::bundle::BundleError;
use crate::commands::envoy::BootstrapError;
use crate::commands::keys::KeyError;
use crate::commands::policy::PolicyError;
use crate::exec_credential::ExecInfoError;
use crate::kubeconfig::KubeconfigError;
use crate::oauth::TokenError;
use crate::server::{InvalidServerUrl, ServerUrl};
use crate::session::SessionError;
use crate::sign_in::SignInError;
use crate::workload::WorkloadError;

/// Something failed, or the answer is no.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong (clap's own code).
pub(crate) const USAGE: u8 = 2;
/// Nobody is signed in.
pub(crate) const NOT_SIGNED_IN: u8 = 3;
/// The control plane cannot be reached or cannot serve.
pub(crate) const UNREACHABLE: u8 = 4;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No session, or no token from it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No answer of the control plane.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// kubectl's question cannot be understood.
    #[error(transparent)]
    ExecInfo(#[from] ExecInfoError),
    /// A workload has nothing to show.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// No control plane named.
    #[error(transparent)]
    Server(#[from] InvalidServerUrl),
    /// No control plane named, and none to be guessed.
    #[error("which control plane? Give --server https://kubegate.example.com, or set KUBEGATE_SERVER")]
    NoServer,
    /// No control plane named, and several to guess from.
    #[error("which control plane? You are signed in to several; give --server with one of: {}", servers.join(", "))]
    ManyServers {
        /// Those that there are.
        servers: Vec<String>,
    },
    /// The kubeconfig was not changed.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The policy cannot be asked.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no bootstrap to look at.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// There is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// No rule gives the person anything.
    #[error("{server} gives you no cluster: no rule of its policy concerns you. Ask your operator for access")]
    NoClusters {
        /// The control plane.
        server: ServerUrl,
    },
    /// Several clusters to choose from.
    #[error("which cluster? Give --all, or --cluster with one of: {}", available.join(", "))]
    WhichCluster {
        /// Those that there are.
        available: Vec<String>,
    },
    /// No such cluster for the person.
    #[error("there is no cluster {name:?} for you. You may use: {}", available.join(", "))]
    NoSuchCluster {
        /// What was asked for.
        name: String,
        /// Those that there are.
        available: Vec<String>,
    },
    /// Nobody takes the result.
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Failure {
    /// The exit code that scripts see.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Server(_) | Self::NoServer | Self::ManyServers { .. } | Self::WhichCluster { .. } => USAGE,
            Self::Client(error) => of_client(error),
            Self::Session(error) => match error {
                SessionError::NotSignedIn { .. }
                | SessionError::Token(TokenError::SessionEnded { .. })
                | SessionError::CoolingDown(_)
                | SessionError::SignIn(
                    SignInError::TimedOut { .. }
                    | SignInError::Refused(_)
                    | SignInError::BadCode { .. }
                    | SignInError::NoCode { .. }
                    | SignInError::NoTerminal { .. }
                    | SignInError::DeviceExpired { .. }
                    | SignInError::DeviceDenied { .. }
                    | SignInError::DeviceLost { .. }
                    | SignInError::DeviceOff { .. }
                    | SignInError::NotRead { .. },
                ) => NOT_SIGNED_IN,
                SessionError::Token(TokenError::Client(error))
                | SessionError::SignIn(
                    SignInError::Token(TokenError::Client(error)) | SignInError::NotBegun(TokenError::Client(error)),
                ) => of_client(error),
                SessionError::Outage(_) => UNREACHABLE,
                SessionError::Token(error) if error.is_passing() => UNREACHABLE,
                _ => FAILED,
            },
            _ => FAILED,
        }
    }

    /// The message for a person: what happened, the causes, the remedy.
    pub(crate) fn message(&self) -> String {
        let mut message = format!("error: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let text = crate::output::printable(&error.to_string());
            if !message.contains(&text) {
                message.push_str("\n  because: ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        message
    }
}

fn of_client(error: &ClientError) -> u8 {
    match error {
        ClientError::Unreachable { .. } | ClientError::Unavailable { .. } => UNREACHABLE,
        _ => FAILED,
    }
}
