//! A person at a keyboard: their own kubeconfig, token cache and browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result};

use serde_json::Value;

use crate::browser::Login;
use crate::kubeconfig::{self, Target};
use crate::kubectl::Kubectl;
use crate::{files, paths};

/// Somebody with an account.
#[derive(Debug)]
pub struct Person {
    /// What they type at sign-in.
    pub login: Login,
    /// Their `kubectl`; it opens the scripted browser when it wants a sign-in.
    pub kubectl: Kubectl,
    /// Their kubeconfig.
    pub kubeconfig: PathBuf,
    /// What their `kubegate` keeps.
    pub cache: PathBuf,
    browser_log: PathBuf,
    control_plane: String,
    ca: PathBuf,
}

impl Person {
    /// A person who has never signed in, with everything theirs in `dir`.
    pub fn new(dir: &Path, kubectl: &Path, target: Target<'_>, login: Login) -> Result<Self> {
        files::empty_dir(dir)?;
        let (kubeconfig, cache) = (dir.join("kubeconfig"), dir.join("cache"));
        fs::create_dir_all(&cache)?;
        kubeconfig::write(&kubeconfig, target, &cache)?;
        let browser_log = dir.join("browser.log");
        let mut kubectl = Kubectl::new(kubectl, &kubeconfig)
            .with_env("BROWSER", paths::binary("scripted-browser")?)
            .with_env("KUBECACHEDIR", dir.join("kube-cache"))
            .with_env("SCRIPTED_USER", &login.user)
            .with_env("SCRIPTED_PASSWORD", &login.password)
            .with_env("SCRIPTED_CA", target.ca)
            .with_env("SCRIPTED_LOG", &browser_log);
        if let Some(provider) = &login.provider {
            kubectl = kubectl.with_env("SCRIPTED_PROVIDER", provider);
        }
        Ok(Self {
            login,
            kubectl,
            kubeconfig,
            cache,
            browser_log,
            control_plane: target.control_plane.to_owned(),
            ca: target.ca.to_owned(),
        })
    }

    /// A session token, as the credential helper gives it to `kubectl`.
    pub fn token(&self) -> Result<String> {
        let text = fs::read(&self.kubeconfig)?;
        let config: Value = serde_json::from_slice(&text)?;
        let arguments =
            config.pointer("/users/0/user/exec/args").and_then(Value::as_array).context("no exec arguments")?;
        let mut command = Command::new(paths::binary("kubegate")?);
        command
            .args(arguments.iter().filter_map(Value::as_str))
            .envs(self.kubectl.env())
            .env("XDG_CACHE_HOME", &self.cache);
        let output = command.output()?;
        let answer: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("kubegate credential: {}", String::from_utf8_lossy(&output.stderr)))?;
        let token =
            answer.pointer("/status/token").and_then(Value::as_str).context("no token in the ExecCredential")?;
        Ok(token.to_owned())
    }

    /// Takes the session tokens out of the credential helper's cache, as their end would; the session stays.
    pub fn forget_token(&self) -> Result<()> {
        for entry in fs::read_dir(self.cache.join("kubegate"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let mut cached: Value = serde_json::from_slice(&fs::read(&path)?)?;
                let tokens = cached.get_mut("tokens").context("a cache without tokens")?;
                *tokens = Value::Object(serde_json::Map::new());
                files::replace(&path, cached.to_string().as_bytes())?;
            }
        }
        Ok(())
    }

    /// Runs a `kubegate` command as this person, with the control plane and its authority named.
    pub fn kubegate(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.kubegate_command(arguments)?.output()?)
    }

    /// The same, not yet run.
    pub fn kubegate_command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(paths::binary("kubegate")?);
        command.args(arguments).envs(self.kubectl.env()).env("XDG_CACHE_HOME", &self.cache);
        command.env("KUBEGATE_SERVER", &self.control_plane).env("KUBEGATE_CERTIFICATE_AUTHORITY", &self.ca);
        Ok(command)
    }

    /// How often the browser was opened, and what it came to.
    pub fn sign_ins(&self) -> Result<Vec<String>> {
        if !self.browser_log.exists() {
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(&self.browser_log).with_context(|| self.browser_log.display().to_string())?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}
