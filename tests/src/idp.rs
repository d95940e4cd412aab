//! An external identity provider: tests/idp.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::process::Running;
use crate::{files, http, paths, port};

const START_LIMIT: Duration = Duration::from_secs(20);

/// The provider's id in the control plane's configuration.
pub const PROVIDER: &str = "company";

/// What the names of its people and groups begin with, so that they are nobody else's.
pub const PREFIX: &str = "company:";

/// One person at the provider.
#[derive(Debug, Clone)]
pub struct IdpAccount {
    /// The subject and the name typed at sign-in.
    pub user: &'static str,
    /// The password.
    pub password: &'static str,
    /// Claims of the ID token and of userinfo.
    pub claims: Value,
}

/// The running provider.
#[derive(Debug)]
pub struct Idp {
    /// Its issuer URL.
    pub issuer: String,
    /// The client that the control plane is.
    pub client_id: &'static str,
    /// That client's secret.
    pub client_secret: &'static str,
    /// More of the provider's fields in the control plane's configuration.
    pub fields: Value,
    process: Running,
}

impl Idp {
    /// Starts it for the given people; `redirect_uri` is where the control plane takes its answers.
    pub fn start(dir: &Path, redirect_uri: &str, accounts: &[IdpAccount]) -> Result<Self> {
        let (client_id, client_secret) = ("kubegate", "the-idps-secret-for-tests-only");
        let port = port::free()?;
        let people: serde_json::Map<String, Value> = accounts
            .iter()
            .map(|account| (account.user.to_owned(), json!({"password": account.password, "claims": account.claims})))
            .collect();
        let callback = format!("/callback/{PROVIDER}");
        let config = dir.join("idp.json");
        let content = json!({
            "port": port, "clientId": client_id, "clientSecret": client_secret,
            "redirectUris": [redirect_uri], "accounts": people,
            "postLogoutRedirectUris": [redirect_uri.replace(&callback, "/logged-out")],
            "backchannelLogoutUri": redirect_uri.replace("/callback/", "/logout/backchannel/"),
        });
        files::write_private(&config, content.to_string().as_bytes())?;
        let mut command = Command::new("node");
        command.arg("server.js").arg(&config).current_dir(paths::root().join("tests/idp"));
        // It tells the control plane of logouts, whose certificate is this run's own.
        command.env("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        let mut process = Running::start("idp", dir, &command)?;
        let issuer = format!("http://127.0.0.1:{port}");
        let discovery = format!("{issuer}/.well-known/openid-configuration");
        let client = http::plain_client();
        process.wait_until("it answers discovery", START_LIMIT, || {
            client.get(&discovery).call().map(drop).map_err(|error| error.to_string())
        })?;
        Ok(Self { issuer, client_id, client_secret, fields: Value::Null, process })
    }

    /// Replaces a person's claims, as a change in the company's directory would.
    pub fn set_claims(&self, user: &str, claims: &Value) -> Result<()> {
        let url = format!("{}/test/accounts/{user}", self.issuer);
        let answer =
            http::plain_client().put(&url).send(claims.to_string()).with_context(|| self.process.log_tail())?;
        if answer.status() != 204 {
            bail!("the provider answered {} to new claims of {user}", answer.status());
        }
        Ok(())
    }

    /// Takes a person out, as who leaves the company.
    pub fn take_out(&self, user: &str) -> Result<()> {
        let url = format!("{}/test/accounts/{user}", self.issuer);
        let answer = http::plain_client().delete(&url).call().with_context(|| self.process.log_tail())?;
        if answer.status() != 204 {
            bail!("the provider answered {} to the end of {user}", answer.status());
        }
        Ok(())
    }

    /// Ends a person's newest session at the provider, which tells the control plane so.
    pub fn log_out(&self, user: &str) -> Result<()> {
        let url = format!("{}/test/logout/{user}", self.issuer);
        let answer = http::plain_client().post(&url).send_empty().with_context(|| self.process.log_tail())?;
        if answer.status() != 204 {
            bail!("the provider answered {} to the logout of {user}: {}", answer.status(), self.process.log_tail());
        }
        Ok(())
    }
}
