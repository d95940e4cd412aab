//! External identity providers that nobody here wrote: npm's oidc-provider (tests/idp), and [Keycloak](crate::keycloak).

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::keycloak::Keycloak;
use crate::process::Running;
use crate::{files, http, paths, port};

const START_LIMIT: Duration = Duration::from_secs(60);

/// The provider's id in the control plane's configuration.
pub const PROVIDER: &str = "company";

/// What the names of its people and groups begin with, so that they are nobody else's.
pub const PREFIX: &str = "company:";

/// What a provider knows of the control plane.
pub(crate) const CLIENT: (&str, &str) = ("kubegate", "the-idps-secret-for-tests-only");

/// One person at the provider.
#[derive(Debug, Clone)]
pub struct IdpAccount {
    /// The subject, where people choose it, and the name typed at sign-in.
    pub user: &'static str,
    /// The password.
    pub password: &'static str,
    /// Claims of the ID token and of userinfo.
    pub claims: Value,
}

/// Where a provider's answers and news go.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The control plane's public URL.
    pub public_url: &'a str,
    /// The authority of its certificate.
    pub ca: &'a Path,
}

impl Place<'_> {
    /// Where people come back from a sign-in.
    pub(crate) fn callback(&self) -> String {
        format!("{}/callback/{PROVIDER}", self.public_url)
    }

    /// Where people come back from a sign-out.
    pub(crate) fn signed_out(&self) -> String {
        format!("{}/logged-out", self.public_url)
    }

    /// Where logout tokens go.
    pub(crate) fn back_channel(&self) -> String {
        format!("{}/logout/backchannel/{PROVIDER}", self.public_url)
    }
}

/// What the control plane has to know of a provider.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its issuer URL.
    pub issuer: String,
    /// The client that the control plane is.
    pub client_id: &'static str,
    /// That client's secret.
    pub client_secret: &'static str,
    /// The scopes that it gives everything for.
    pub scopes: &'static [&'static str],
    /// More of its fields in the control plane's configuration.
    pub fields: Value,
}

/// A provider of those that nobody here wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// npm's oidc-provider.
    #[default]
    OidcProvider,
    /// Keycloak.
    Keycloak,
}

impl Which {
    /// In names of tests and folders.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OidcProvider => "oidc_provider",
            Self::Keycloak => "keycloak",
        }
    }

    /// Starts it for the given people, with all that it writes in `dir`.
    pub fn start(self, dir: &Path, place: Place<'_>, accounts: &[IdpAccount]) -> Result<Box<dyn IdentityProvider>> {
        Ok(match self {
            Self::OidcProvider => Box::new(Idp::start(dir, place, accounts)?),
            Self::Keycloak => Box::new(Keycloak::start(dir, place, accounts)?),
        })
    }
}

/// A running provider, and what its administrator does.
pub trait IdentityProvider: fmt::Debug + Send + Sync {
    /// For the control plane's configuration.
    fn registration(&self) -> &Registration;

    /// Signs with another key from now on; the one before stays published.
    fn rotate_keys(&self) -> Result<()>;

    /// Gives a person these groups and no others.
    fn set_groups(&self, user: &str, groups: &[&str]) -> Result<()>;

    /// Signs a person out everywhere, and tells the control plane of it.
    fn end_sessions(&self, user: &str) -> Result<()>;

    /// Ends one of a person's sessions, whichever, and tells the control plane of it.
    fn end_one_session(&self, user: &str) -> Result<()>;

    /// Closes an account.
    fn disable(&self, user: &str) -> Result<()>;
}

/// npm's oidc-provider, running.
#[derive(Debug)]
pub struct Idp {
    registration: Registration,
    process: Running,
}

impl Idp {
    /// Starts it for the given people, with its log and configuration in `dir`.
    pub fn start(dir: &Path, place: Place<'_>, accounts: &[IdpAccount]) -> Result<Self> {
        let (client_id, client_secret) = CLIENT;
        let port = port::free()?;
        let people: serde_json::Map<String, Value> = accounts
            .iter()
            .map(|account| (account.user.to_owned(), json!({"password": account.password, "claims": account.claims})))
            .collect();
        let config = dir.join("idp.json");
        let content = json!({
            "port": port, "clientId": client_id, "clientSecret": client_secret, "accounts": people,
            "redirectUris": [place.callback()], "postLogoutRedirectUris": [place.signed_out()],
            "backchannelLogoutUri": place.back_channel(),
        });
        files::write_private(&config, content.to_string().as_bytes())?;
        let mut command = Command::new("node");
        command.arg("server.js").arg(&config).current_dir(paths::root().join("tests/idp"));
        command.env("NODE_EXTRA_CA_CERTS", place.ca);
        let mut process = Running::start("idp", dir, &command)?;
        let issuer = format!("http://127.0.0.1:{port}");
        wait_for_discovery(&mut process, &issuer, START_LIMIT)?;
        let scopes = &["email", "profile", "groups"];
        Ok(Self {
            registration: Registration { issuer, client_id, client_secret, scopes, fields: Value::Null },
            process,
        })
    }

    fn tell(&self, method: &str, what: &str, body: &Value) -> Result<()> {
        let url = format!("{}/test/{what}", self.registration.issuer);
        let request = ureq::http::Request::builder().method(method).uri(&url).body(body.to_string())?;
        let answer = http::plain_client().run(request).with_context(|| self.process.log_tail())?;
        if answer.status() != 204 {
            bail!("the provider answered {} to {method} {what}; {}", answer.status(), self.process.log_tail());
        }
        Ok(())
    }
}

impl IdentityProvider for Idp {
    fn registration(&self) -> &Registration {
        &self.registration
    }

    fn rotate_keys(&self) -> Result<()> {
        self.tell("POST", "keys", &Value::Null)
    }

    fn set_groups(&self, user: &str, groups: &[&str]) -> Result<()> {
        self.tell("PUT", &format!("accounts/{user}/groups"), &json!(groups))
    }

    fn end_sessions(&self, user: &str) -> Result<()> {
        self.tell("DELETE", &format!("accounts/{user}/sessions"), &Value::Null)
    }

    fn end_one_session(&self, user: &str) -> Result<()> {
        self.tell("DELETE", &format!("accounts/{user}/session"), &Value::Null)
    }

    fn disable(&self, user: &str) -> Result<()> {
        self.tell("DELETE", &format!("accounts/{user}"), &Value::Null)
    }
}

/// Polls a provider that has just been started.
pub(crate) fn wait_for_discovery(process: &mut Running, issuer: &str, limit: Duration) -> Result<()> {
    let discovery = format!("{issuer}/.well-known/openid-configuration");
    let client = http::plain_client();
    process.wait_until("it answers discovery", limit, || {
        match client.get(&discovery).call().map_err(|error| error.to_string())?.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("{status}")),
        }
    })
}
