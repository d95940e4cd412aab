//! Built-in accounts of the control plane, as its configuration lists them.

use anyhow::{Result, anyhow};
use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// A person of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// What is typed at sign-in.
    pub user: String,
    /// Its password, made for this run.
    pub password: String,
    /// The groups that the control plane knows of.
    pub groups: Vec<String>,
    /// What the account is for.
    pub about: String,
}

impl Account {
    /// A person with a password of their own.
    pub fn new(user: &str, groups: &[&str], about: &str) -> Result<Self> {
        Ok(Self {
            user: user.to_owned(),
            password: random_word()?,
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            about: about.to_owned(),
        })
    }

    /// The password's argon2id hash, as the configuration holds it: as cheap as one may be, for the password is random
    /// and lives as long as the run.
    pub fn password_hash(&self) -> Result<String> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow!("salt: {error}"))?;
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| anyhow!("argon2: {error}"))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(self.password.as_bytes(), &salt)
            .map_err(|error| anyhow!("argon2: {error}"))?;
        Ok(hash.to_string())
    }
}

/// Twelve characters that are safe in URLs, files and shells.
pub fn random_word() -> Result<String> {
    let mut bytes = [0; 9];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).replace(['-', '_'], "x"))
}
