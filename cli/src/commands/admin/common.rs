//! What the commands of administrators have in common.

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use crate::args::{ServerArgs, SignInArgs};
use crate::client::Client;
use crate::commands::access_token;
use crate::failure::Failure;
use crate::output;
use crate::secret::Secret;

/// What all of these commands take.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Print the control plane's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The control plane's API, as the person who is signed in may use it.
pub(super) struct Api {
    client: Client,
    token: Secret,
}

impl Common {
    pub(super) fn api(&self) -> Result<Api, Failure> {
        let client = self.server.client()?;
        let token = access_token(&client, &self.sign_in)?;
        Ok(Api { client, token })
    }

    /// Prints an answer: as it is, or as `shown` makes it.
    pub(super) fn print<T: Serialize>(&self, answer: &T, shown: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json { output::json(answer) } else { output::result(&shown(answer)) }.map_err(Failure::Output)
    }
}

impl Api {
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::GET, path), &self.token, None, what)?)
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::POST, path), &self.token, Some(body), what)?)
    }

    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str, what: &'static str) -> Result<T, Failure> {
        Ok(self.client.call((Method::DELETE, path), &self.token, None, what)?)
    }
}
