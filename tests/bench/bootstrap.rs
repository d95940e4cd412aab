//! Envoy's bootstrap for measuring: our filter as envoy-config/envoy.yaml has it, and what costs the same with and
//! without it (TLS, the access log, the way to an API server) left out.

use std::path::Path;

use anyhow::Result;
use kubegate_tests::envoy::Envoy;
use kubegate_tests::{paths, port};
use serde_json::{Value, json};

use crate::company::CLUSTER;

/// A running Envoy whose upstream is an answer of its own.
pub(crate) struct Gateway {
    /// Envoy.
    pub(crate) envoy: Envoy,
    /// The port for requests.
    pub(crate) port: u16,
}

impl Gateway {
    /// Starts it with the plugin configuration `plugin`, or without the filter.
    pub(crate) fn start(name: &str, dir: &Path, workers: usize, plugin: Option<&Value>) -> Result<Self> {
        let (port, admin_port) = (port::free()?, port::free()?);
        let bootstrap = bootstrap(port, admin_port, plugin)?;
        let envoy = Envoy::start_with_workers(workers, name, dir, dir, &bootstrap.to_string(), admin_port)?;
        Ok(Self { envoy, port })
    }
}

fn bootstrap(port: u16, admin_port: u16, plugin: Option<&Value>) -> Result<Value> {
    let mut filters = Vec::new();
    let mut wanted = json!({"prefix": "/"});
    if let Some(plugin) = plugin {
        filters.push(wasm(plugin)?);
        wanted = json!({
            "prefix": "/",
            "headers": [{"name": "impersonate-user", "present_match": true}],
            "filter_state": [{"key": "wasm.kubegate.cluster", "string_match": {"exact": CLUSTER}}],
        });
    }
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": true,
        },
    }));
    let route = json!({
        "match": wanted,
        "direct_response": {"status": 200, "body": {"inline_string": "{\"kind\":\"PodList\",\"apiVersion\":\"v1\"}\n"}},
    });
    let refused = json!({"match": {"prefix": "/"}, "direct_response": {"status": 403}});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "kubegate",
        "codec_type": "AUTO",
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST", "max_headers_count": 128},
        "max_request_headers_kb": 60,
        "use_remote_address": true,
        "generate_request_id": true,
        "preserve_external_request_id": false,
        "stream_idle_timeout": "0s",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "clusters", "domains": ["*"], "routes": [route, refused]}]},
    });
    Ok(json!({
        "node": {"id": "kubegate-bench", "cluster": "kubegate"},
        "admin": {"address": address(admin_port)},
        "static_resources": {
            "listeners": [{
                "name": "kubegate",
                "address": address(port),
                "filter_chains": [{
                    "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
                }],
            }],
        },
    }))
}

fn wasm(plugin: &Value) -> Result<Value> {
    Ok(json!({
        "name": "kubegate",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "kubegate",
                "failure_policy": "FAIL_RELOAD",
                "reload_config": {"backoff": {"base_interval": "1s"}},
                "vm_config": {
                    "vm_id": "kubegate",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": paths::filter()?}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": plugin.to_string(),
                },
            },
        },
    }))
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
