//! The plugin configuration: JSON that Envoy hands over when it loads the filter. Nothing in it is secret, because
//! Envoy's `config_dump` shows it.

use std::time::Duration;

use kubegate_core::bundle::WholeBundle;
use kubegate_core::jws::{InvalidKey, Keys, PublicKey};
use kubegate_core::time::parse_duration;
use serde::Deserialize;

/// How old the live set may become by default.
const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(24 * 3600);

/// A valid plugin configuration.
pub struct Config {
    /// The control plane's public URL: the issuer of the session tokens.
    pub issuer: String,
    /// The keys that bundles are verified with.
    pub bundle_keys: Keys,
    /// Where bundles come from.
    pub control_plane: Option<ControlPlane>,
    /// How old the live set may become before nothing is allowed.
    pub max_staleness: Duration,
    /// A bundle that is used until a newer one comes.
    pub inline_bundle: Option<WholeBundle>,
}

/// How the filter reaches the control plane's internal listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlPlane {
    /// The name of the Envoy cluster.
    pub cluster: String,
    /// The `:authority` of its requests.
    #[serde(default = "default_authority")]
    pub authority: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    issuer: String,
    bundle_keys: Vec<PublicKey>,
    control_plane: Option<ControlPlane>,
    max_staleness: Option<String>,
    inline_bundle: Option<WholeBundle>,
}

/// Why the plugin configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// It is not the JSON that is expected.
    #[error("the plugin configuration is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// The issuer is no URL.
    #[error("issuer: {0:?} is not a URL; write the control plane's public URL without a slash at its end")]
    Issuer(String),
    /// No key is trusted.
    #[error("bundle_keys: is empty; add the public key that `kubegate keys show` prints")]
    NoKey,
    /// A key is not one.
    #[error("bundle_keys: {0}")]
    Key(#[from] InvalidKey),
    /// The limit of staleness is no duration.
    #[error("max_staleness: {0:?} is not a duration; write it like 24h or 30m")]
    Staleness(String),
    /// There is no source of bundles.
    #[error("neither control_plane nor inline_bundle is given; the filter needs one of them to get a policy")]
    NoSource,
}

impl Config {
    /// Reads the plugin configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidConfig> {
        let wire: Wire = serde_json::from_slice(json)?;
        if !(wire.issuer.starts_with("https://") || wire.issuer.starts_with("http://")) || wire.issuer.ends_with('/') {
            return Err(InvalidConfig::Issuer(wire.issuer));
        }
        if wire.bundle_keys.is_empty() {
            return Err(InvalidConfig::NoKey);
        }
        if wire.control_plane.is_none() && wire.inline_bundle.is_none() {
            return Err(InvalidConfig::NoSource);
        }
        let max_staleness = match wire.max_staleness {
            None => DEFAULT_MAX_STALENESS,
            Some(text) => {
                let parsed = parse_duration(&text).filter(|duration| !duration.is_zero());
                parsed.ok_or(InvalidConfig::Staleness(text))?
            }
        };
        Ok(Self {
            issuer: wire.issuer,
            bundle_keys: Keys::new(&wire.bundle_keys)?,
            control_plane: wire.control_plane,
            max_staleness,
            inline_bundle: wire.inline_bundle,
        })
    }
}

fn default_authority() -> String {
    "kubegate-control-plane".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_good_configuration_is_read() {
        let json = format!(
            r#"{{"issuer": "https://kubegate.example.com", "bundle_keys": [{KEY}], "control_plane": {{"cluster": "c"}}, "max_staleness": "30m"}}"#
        );
        let config = Config::parse(json.as_bytes()).unwrap();
        assert_eq!(config.max_staleness, Duration::from_secs(1800));
        assert_eq!(config.control_plane.unwrap().authority, "kubegate-control-plane");
    }

    #[test]
    fn mistakes_are_named() {
        for (json, expected) in [
            (String::new(), "not valid"),
            (format!(r#"{{"issuer": "kubegate", "bundle_keys": [{KEY}]}}"#), "issuer"),
            (r#"{"issuer": "https://k", "bundle_keys": []}"#.to_owned(), "bundle_keys"),
            (r#"{"issuer": "https://k", "bundle_keys": [{"kid": "k", "x": "AA"}], "control_plane": {"cluster": "c"}}"#.to_owned(), "Ed25519"),
            (format!(r#"{{"issuer": "https://k", "bundle_keys": [{KEY}]}}"#), "control_plane"),
            (format!(r#"{{"issuer": "https://k", "bundle_keys": [{KEY}], "control_plane": {{"cluster": "c"}}, "max_staleness": "x"}}"#), "max_staleness"),
            (format!(r#"{{"issuer": "https://k", "bundle_keys": [{KEY}], "tokne": 1}}"#), "tokne"),
        ] {
            let error = Config::parse(json.as_bytes()).err().expect("it must be refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
