//! The HTTP filters before the router, by what is measured.

use std::path::Path;

use anyhow::{Context as _, Result};
use kubegate_tests::issuer::Issuer;
use serde_json::{Value, json};

use super::native;
use crate::company::{Company, policy_file};

/// What stands before the router.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filters {
    /// Nothing.
    None,
    /// Envoy's own filter that takes headers away and sets others.
    HeaderMutation,
    /// A wasm module that does nothing.
    Noop,
    /// Envoy's own filters for what ours does, as far as they go.
    Native {
        /// Whether verified tokens are remembered.
        cache: bool,
        /// How many rules there are.
        rules: usize,
    },
    /// A question to an authorization service.
    ExtAuthz,
    /// Ours.
    Kubegate {
        /// How many rules there are.
        rules: usize,
    },
}

/// The Envoy cluster of the authorization service.
pub(super) const EXT_AUTHZ: &str = "ext_authz";

/// Does nothing, and exports what the proxy-wasm ABI asks for, and the one callback that the measurement is about.
const NOOP: &str = r#"
(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 1024))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $size)))
    (local.get $at))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))
"#;

impl Filters {
    /// The filters' configuration. `production` is that of our filter in envoy-config/envoy.yaml.
    pub(super) fn configuration(self, dir: &Path, issuer: &Issuer, production: Value) -> Result<Vec<Value>> {
        Ok(match self {
            Self::None => Vec::new(),
            Self::HeaderMutation => {
                vec![native::header_mutation(&[("impersonate-user", "somebody"), ("audit-id", "%REQ(x-request-id)%")])]
            }
            Self::Noop => vec![noop(dir)?],
            Self::Native { cache, rules } => native::filters(issuer, cache, Company::new(rules))?,
            Self::ExtAuthz => vec![ext_authz()],
            Self::Kubegate { rules } => vec![kubegate(dir, issuer, production, rules)?],
        })
    }
}

fn noop(dir: &Path) -> Result<Value> {
    let file = dir.join("noop.wasm");
    std::fs::write(&file, wat::parse_str(NOOP)?)?;
    Ok(json!({
        "name": "noop",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "noop",
                "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": file}}},
            },
        },
    }))
}

fn ext_authz() -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {"envoy_grpc": {"cluster_name": EXT_AUTHZ}, "timeout": "1s"},
        },
    })
}

/// Ours as it is deployed, with a bundle inside its configuration.
fn kubegate(dir: &Path, issuer: &Issuer, mut production: Value, rules: usize) -> Result<Value> {
    let file = dir.join(format!("{rules}.yaml"));
    std::fs::write(&file, policy_file(&Company::new(rules).rules()))?;
    let plugin = issuer.plugin_configuration(&file)?;
    let place = production.pointer_mut("/typed_config/config/configuration/value");
    *place.context("our filter has no configuration in envoy.yaml")? = plugin.to_string().into();
    Ok(production)
}
