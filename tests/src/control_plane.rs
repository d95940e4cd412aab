//! The control plane with a configuration made for this run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubegate_core::jws::{PrivateJwk, SigningKey};
use serde_json::{Value, json};

use crate::account::{Account, random_word};
use crate::idp::{self, Registration};
use crate::process::Running;
use crate::{files, http, paths, port};

const START_LIMIT: Duration = Duration::from_secs(60);

/// How the control plane is to be run.
#[derive(Debug)]
pub struct Settings<'a> {
    /// Its public URL, at Envoy.
    pub public_url: &'a str,
    /// The built-in accounts.
    pub accounts: &'a [Account],
    /// An external identity provider.
    pub idp: Option<&'a Registration>,
    /// More of the configuration's sections.
    pub extra: &'a Value,
    /// The policy.
    pub policy: &'a str,
}

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    /// Its configuration file.
    pub config: PathBuf,
    /// Its policy file; a change is in force at once.
    pub policy: PathBuf,
    /// The port of its public listener.
    pub public_port: u16,
    /// Base URL of its internal listener.
    pub internal: String,
    /// The port of its internal listener.
    pub internal_port: u16,
    /// What a gateway shows to it, in a file.
    pub gateway_credential: PathBuf,
    /// The key that signs the bundle.
    pub bundle_key: SigningKey,
    log_dir: PathBuf,
    process: Option<Running>,
}

impl ControlPlane {
    /// Writes configuration, policy and secrets to `dir` and starts it.
    pub fn start(dir: &Path, log_dir: &Path, settings: &Settings<'_>) -> Result<Self> {
        let mut this = Self::prepare(dir, log_dir, settings)?;
        this.restart()?;
        Ok(this)
    }

    /// Writes configuration, policy and secrets to `dir`; [`ControlPlane::restart`] starts it.
    pub fn prepare(dir: &Path, log_dir: &Path, settings: &Settings<'_>) -> Result<Self> {
        let (public_port, internal_port) = (port::free()?, port::free()?);
        let (config, policy) = (dir.join("kubegate.yaml"), dir.join("policy.yaml"));
        // In a folder of its own: Envoy watches it.
        let gateway_credential = dir.join("gateway/credential");
        fs::create_dir_all(dir.join("gateway"))?;
        fs::write(&policy, settings.policy)?;
        files::write_private(&gateway_credential, random_word()?.repeat(3).as_bytes())?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let bundle_key = SigningKey::from_seed(seed);
        let content = configuration(dir, settings, (public_port, internal_port), &bundle_key)?;
        files::write_private(&config, format!("{content:#}\n").as_bytes())?;
        Ok(Self {
            config,
            policy,
            public_port,
            internal: format!("http://127.0.0.1:{internal_port}"),
            internal_port,
            gateway_credential,
            bundle_key,
            log_dir: log_dir.to_owned(),
            process: None,
        })
    }

    /// Starts it again on the same store; stops it first when it runs.
    pub fn restart(&mut self) -> Result<()> {
        self.process = None;
        let mut command = Command::new(paths::binary("kubegate-control-plane")?);
        command.arg("--config").arg(&self.config);
        let mut process = Running::start("control-plane", &self.log_dir, &command)?;
        let ready = format!("{}/readyz", self.internal);
        let client = http::plain_client();
        process.wait_until("it is ready", START_LIMIT, || {
            let answer = client.get(&ready).call().map_err(|error| error.to_string())?;
            if answer.status() == 200 { Ok(()) } else { Err(format!("/readyz answers {}", answer.status())) }
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Running::id)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Fails when it has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Running::check_alive)
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.log_dir.join("control-plane.log")
    }
}

/// The configuration, as JSON, which is YAML; the secrets that it names are written beside it.
fn configuration(dir: &Path, settings: &Settings<'_>, listen: (u16, u16), bundle_key: &SigningKey) -> Result<Value> {
    let private = serde_json::to_vec_pretty(&PrivateJwk::from(bundle_key))?;
    files::write_private(&dir.join("bundle-key.json"), &private)?;
    let mut encryption_key = [0; 32];
    getrandom::fill(&mut encryption_key)?;
    files::write_private(&dir.join("encryption-key"), STANDARD.encode(encryption_key).as_bytes())?;

    let accounts = settings.accounts.iter().map(|account| {
        Ok(json!({
            "user": account.user, "email": account.user, "passwordHash": account.password_hash()?,
            "groups": account.groups, "uid": format!("uid-of-{}", account.user),
        }))
    });
    let accounts: Vec<Value> = accounts.collect::<Result<_>>()?;
    let mut content = json!({
        "issuer": settings.public_url,
        "listen": {"public": format!("127.0.0.1:{}", listen.0), "internal": format!("127.0.0.1:{}", listen.1)},
        "store": {"path": "kubegate.db"},
        "policy": "policy.yaml",
        "keys": {"bundle": "bundle-key.json", "encryptionKeyFile": "encryption-key"},
        "gateways": [{"name": "envoy", "credentialFile": "gateway/credential"}],
        "admins": {"groups": ["platform-admins"]},
        "accounts": accounts,
    });
    let Some(fields) = content.as_object_mut() else { bail!("a configuration is an object") };
    if let Some(idp) = settings.idp {
        files::write_private(&dir.join("client-secret"), idp.client_secret.as_bytes())?;
        let mut provider = json!({
            "id": idp::PROVIDER, "name": "Example company", "issuer": idp.issuer, "clientId": idp.client_id,
            "clientSecretFile": "client-secret",
            "scopes": idp.scopes, "userPrefix": idp::PREFIX, "groupPrefix": idp::PREFIX,
            "recheck": {"every": "10s"}, "domains": ["company.example"],
        });
        if let (Some(provider), Some(more)) = (provider.as_object_mut(), idp.fields.as_object()) {
            provider.extend(more.clone());
        }
        fields.insert("providers".to_owned(), json!([provider]));
    }
    fields.extend(settings.extra.as_object().cloned().unwrap_or_default());
    Ok(content)
}
