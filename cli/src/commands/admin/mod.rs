//! `kubegate admin`: what administrators do to people, sessions and elevations.

mod common;
mod elevations;
mod keys;
mod people;
mod revoke;
mod service_accounts;
mod status;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::printable;

use self::common::Common;
pub(crate) use self::elevations::Elevation;

/// Elevate people, shut them out, end their sessions, and see how all stands
///
/// For administrators, whom the control plane's configuration names under "admins". A PERSON is a user
/// name, as whoami shows it, of somebody who has signed in lately, or PROVIDER:SUBJECT; where
/// that could also be a user name, id=PROVIDER:SUBJECT means the id. Gateways obey within a second.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin elevate bob@example.com --cluster prod --groups breakglass --for 1h --reason INC-1234
  kubegate admin elevations
  kubegate admin disable bob@example.com --reason 'laptop stolen'
  kubegate admin revoke --person bob@example.com
  kubegate admin keys
  kubegate admin status")]
pub(crate) struct Admin {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    Elevate(elevations::Elevate),
    Elevations(elevations::Elevations),
    EndElevation(elevations::EndElevation),
    Revoke(revoke::Revoke),
    Disable(people::Disable),
    Enable(people::Enable),
    Disabled(people::DisabledPeople),
    Keys(keys::Keys),
    ServiceAccounts(service_accounts::ServiceAccounts),
    Status(status::Status),
}

impl Admin {
    /// Runs the command below.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            AdminCommand::Elevate(command) => command.run(),
            AdminCommand::Elevations(command) => command.run(),
            AdminCommand::EndElevation(command) => command.run(),
            AdminCommand::Revoke(command) => command.run(),
            AdminCommand::Disable(command) => command.run(),
            AdminCommand::Enable(command) => command.run(),
            AdminCommand::Disabled(command) => command.run(),
            AdminCommand::Keys(command) => command.run(),
            AdminCommand::ServiceAccounts(command) => command.run(),
            AdminCommand::Status(command) => command.run(),
        }
    }
}

/// How a person is shown: by the user name, where it is known, and by the id.
fn named(person: &str, user: Option<&str>) -> String {
    match user {
        Some(user) => printable(&format!("{user} ({person})")),
        None => printable(person),
    }
}
