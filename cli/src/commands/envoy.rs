//! `kubegate envoy`: is Envoy's bootstrap one in which Kubegate's decision holds?

mod chain;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::failure::{FAILED, Failure};
use crate::output::{self, printable};

/// Check the order of filters in Envoy's bootstrap
#[derive(Debug, Args)]
pub(crate) struct Envoy {
    #[command(subcommand)]
    command: EnvoyCommand,
}

#[derive(Debug, Subcommand)]
enum EnvoyCommand {
    Check(Check),
}

/// Find what could undo Kubegate's decision in an Envoy bootstrap
///
/// A mistake is: a filter between Kubegate's and the router, which could change what was decided; a way to an API
/// server's Envoy cluster that does not ask for the decision; a listener with such a way but without the filter. A
/// warning is a filter that could forge the decision for others, such as another WebAssembly filter.
///
/// It reads what stands in the file, not what an xDS server sends. Exits with 1 when there is a mistake, so that it can
/// stand before the start of Envoy.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate envoy check envoy.yaml
  kubegate envoy check envoy.yaml && envoy -c envoy.yaml")]
struct Check {
    /// The bootstrap, YAML or JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Why a bootstrap cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no YAML.
    #[error("{} is not valid YAML", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: saphyr::ScanError,
    },
}

impl Envoy {
    /// Runs the command below.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let EnvoyCommand::Check(Check { file }) = &self.command;
        let text = fs::read_to_string(file).map_err(|source| BootstrapError::Io { path: file.clone(), source })?;
        let documents =
            Yaml::load_from_str(&text).map_err(|source| BootstrapError::Yaml { path: file.clone(), source })?;
        let findings: Vec<_> = documents.iter().flat_map(chain::findings).collect();
        let name = file.display();
        let mut said: String =
            findings.iter().map(|finding| format!("{name}: {}\n", printable(&finding.to_string()))).collect();
        let is_good = findings.iter().all(|finding| !finding.is_mistake());
        if is_good {
            said.push_str(&format!("{name}: what Kubegate decides is what is sent\n"));
        }
        output::result(&said).map_err(Failure::Output)?;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}
