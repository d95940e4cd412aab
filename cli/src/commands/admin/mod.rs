//! `kubegate admin`: what administrators do to people, sessions and elevations.

mod elevations;
mod people;
mod revoke;
mod status;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use super::person_may;
use crate::args::{ServerArgs, SignInArgs};
use crate::cache::Store;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, printable};
use crate::secret::Secret;
use crate::session::Session;

/// Elevate people, shut them out, end their sessions, and see how all stands
///
/// For administrators, whom the control plane's configuration names under "admins". A PERSON is a user
/// name, as whoami shows it, of somebody who has had a session within the last day, or
/// PROVIDER:SUBJECT, which is never ambiguous. Gateways obey within a second.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin elevate bob@example.com --cluster prod --groups breakglass --for 1h --reason INC-1234
  kubegate admin elevations
  kubegate admin disable bob@example.com --reason 'laptop stolen'
  kubegate admin revoke --person bob@example.com
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
            AdminCommand::Status(command) => command.run(),
        }
    }
}

/// What all of these commands take.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Print the control plane's answer as JSON
    #[arg(long)]
    json: bool,
}

/// The control plane's API, as the person who is signed in may use it.
struct Api {
    client: Client,
    token: Secret,
}

impl Common {
    fn api(&self) -> Result<Api, Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let token = Session::take(&store, &client, self.sign_in.timeout)?
            .access_token(&self.sign_in.options(), person_may())?;
        Ok(Api { client, token })
    }

    /// Prints an answer: as it is, or as `shown` makes it.
    fn print<T: Serialize>(&self, answer: &T, shown: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json { output::json(answer) } else { output::result(&shown(answer)) }.map_err(Failure::Output)
    }
}

impl Api {
    fn get<T: DeserializeOwned>(&self, path: &str, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::GET, path), &self.token, None, what)?)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::POST, path), &self.token, Some(body), what)?)
    }

    fn delete<T: DeserializeOwned>(&self, path: &str, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::DELETE, path), &self.token, None, what)?)
    }
}

/// How a person is shown: by the user name, where it is known, and by the id.
fn named(person: &str, user: Option<&str>) -> String {
    match user {
        Some(user) => printable(&format!("{user} ({person})")),
        None => printable(person),
    }
}
