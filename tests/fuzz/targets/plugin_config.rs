//! The plugin configuration, and the bundle that may be inside of it.
#![no_main]

use kubegate_core::gateway::Gateway;
use kubegate_filter::config::Config;
use kubegate_fuzz::{REQUESTS, TOKEN, ask};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let config = match Config::parse(json) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(config.issuer.starts_with("http") && !config.issuer.ends_with('/'), "{}", config.issuer);
    assert!(!config.max_staleness.is_zero());
    assert!(config.control_plane.is_some() || config.inline_bundle.is_some());
    let mut gateway = Gateway::new(config.issuer, config.bundle_keys, config.max_staleness);
    let accepted = config.inline_bundle.is_some_and(|bundle| gateway.accept_inline(&bundle.documents()).is_ok());
    for (method, path) in REQUESTS {
        assert!(!ask(&mut gateway, &TOKEN, method, path) || accepted, "{method} {path} without a bundle");
    }
});
