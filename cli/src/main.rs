//! `kubegate`: kubectl's credential helper for Kubegate, and its operators' commands.
//!
//! ```text
//! main ─▶ args ─▶ commands/* ─▶ session ─▶ cache      what this computer keeps
//!                     │             ├────▶ oauth ─▶ client   the control plane
//!                     │             └────▶ sign_in ─▶ browser   the person
//!                     └─▶ exec_credential, session_check, kubeconfig   kubectl's side
//! ```

mod args;
mod browser;
mod cache;
mod client;
mod clock;
mod commands;
mod exec_credential;
mod failure;
mod host;
mod kubeconfig;
mod oauth;
mod output;
mod secret;
mod server;
mod session;
mod session_check;
mod sign_in;
mod tls;
mod workload;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    match run(&command) {
        Ok(code) => code,
        Err(failure) => {
            output::say(&failure.message());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Policy(command) => return command.run(),
        Command::Keys(command) => return command.run(),
        Command::Envoy(command) => return command.run(),
        Command::Admin(command) => command.run(),
        Command::Bundle(command) => command.run(),
        Command::Login(command) => command.run(),
        Command::Logout(command) => command.run(),
        Command::Whoami(command) => command.run(),
        Command::Sessions(command) => command.run(),
        Command::Clusters(command) => command.run(),
        Command::Kubeconfig(command) => command.run(),
        Command::Credential(command) => command.run(),
        Command::Completion(command) => command.run(),
    }?;
    Ok(ExitCode::SUCCESS)
}
