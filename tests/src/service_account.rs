//! The service account by which Envoy speaks to the API server, and the file that its token is in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::kubectl::Kubectl;
use crate::{files, paths};

const MANIFEST: &str = "envoy-config/kubernetes/impersonation.yaml";

/// The installed service account, with its token in a file that Envoy follows.
#[derive(Debug)]
pub struct ServiceAccount {
    admin: Kubectl,
    name: String,
    token_file: PathBuf,
}

impl ServiceAccount {
    /// Applies its manifest and writes a first token to `dir/token`. `name` is its own and its namespace's:
    /// the manifest's `kubegate`, or another so as not to meet a real installation.
    pub fn install(admin: &Kubectl, name: &str, dir: &Path) -> Result<Self> {
        admin.apply(&manifest(name)?).context("installing the service account")?;
        fs::create_dir_all(dir)?;
        let account = Self { admin: admin.clone(), name: name.to_owned(), token_file: dir.join("token") };
        account.rotate()?;
        Ok(account)
    }

    /// The file with the token.
    #[must_use]
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Puts a new token in place, as the kubelet does with a projected one.
    pub fn rotate(&self) -> Result<()> {
        let token = self.admin.run(&["create", "token", &self.name, "-n", &self.name, "--duration=24h"])?.ok()?;
        self.replace(token.trim())
    }

    /// Puts anything in the token's place.
    pub fn replace(&self, token: &str) -> Result<()> {
        files::replace(&self.token_file, token.as_bytes())
    }
}

/// What [`ServiceAccount::install`] applies.
pub fn manifest(name: &str) -> Result<String> {
    let path = paths::root().join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(if name == "kubegate" { text } else { renamed(&text, name) })
}

/// Every object that is called `kubegate`, called otherwise; keys like `kubegate.io/..` stay.
fn renamed(text: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match line.split_once(": kubegate") {
            Some((key, rest)) if rest.is_empty() || rest.starts_with('-') || rest.starts_with(' ') => {
                out.push_str(key);
                out.push_str(": ");
                out.push_str(name);
                out.push_str(rest);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}
