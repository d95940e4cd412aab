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

/// How to run it.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    /// How many worker threads it has.
    pub(crate) workers: usize,
    /// The plugin's configuration; without one there is no filter.
    pub(crate) plugin: Option<&'a Value>,
    /// Where the filter gets its bundle, when not from its configuration.
    pub(crate) source: Option<Source<'a>>,
}

/// A control plane's internal listener on this machine.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Its port.
    pub(crate) port: u16,
    /// The gateway's credential.
    pub(crate) credential: &'a str,
}

/// The Envoy cluster by which the filter reaches its [`Source`].
pub(crate) const CONTROL_PLANE: &str = "kubegate_control_plane_internal";

impl Gateway {
    /// Starts it.
    pub(crate) fn start(name: &str, dir: &Path, setup: &Setup<'_>) -> Result<Self> {
        Self::start_with_filter(&paths::filter()?, name, dir, setup)
    }

    /// Starts it with the wasm module in `filter`.
    pub(crate) fn start_with_filter(filter: &Path, name: &str, dir: &Path, setup: &Setup<'_>) -> Result<Self> {
        let (port, admin_port) = (port::free()?, port::free()?);
        let bootstrap = bootstrap(port, admin_port, filter, setup).to_string();
        let envoy = Envoy::start_with_workers(setup.workers, name, dir, dir, &bootstrap, admin_port)?;
        Ok(Self { envoy, port })
    }

    /// What one of the filter's gauges says; 0 when it was never set.
    pub(crate) fn gauge(&self, name: &str) -> Result<u64> {
        let metrics = self.envoy.metrics(name)?;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        value.map_or(Ok(0), |(_, value)| Ok(value.parse()?))
    }
}

fn bootstrap(port: u16, admin_port: u16, filter: &Path, setup: &Setup<'_>) -> Value {
    let mut filters = Vec::new();
    let mut wanted = json!({"prefix": "/"});
    if let Some(plugin) = setup.plugin {
        filters.push(wasm(filter, plugin));
        wanted = json!({
            "prefix": "/",
            "headers": [{"name": "authorization", "present_match": true, "invert_match": true}],
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
    json!({
        "node": {"id": "kubegate-bench", "cluster": "kubegate"},
        "admin": {"address": address(admin_port)},
        "static_resources": {
            "listeners": [{
                "name": "kubegate",
                "address": address(port),
                "connection_balance_config": {"exact_balance": {}},
                "filter_chains": [{
                    "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
                }],
            }],
            "clusters": setup.source.map(control_plane).into_iter().collect::<Vec<_>>(),
            "secrets": setup.source.map(secret).into_iter().collect::<Vec<_>>(),
        },
    })
}

fn control_plane(source: Source<'_>) -> Value {
    json!({
        "name": CONTROL_PLANE,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": CONTROL_PLANE,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(source.port)}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {}},
                "http_filters": [
                    {
                        "name": "envoy.filters.http.credential_injector",
                        "typed_config": {
                            "@type":
                                "type.googleapis.com/envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
                            "overwrite": true,
                            "credential": {
                                "name": "envoy.http.injected_credentials.generic",
                                "typed_config": {
                                    "@type":
                                        "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic",
                                    "header": "Authorization",
                                    "header_value_prefix": "Bearer ",
                                    "credential": {"name": "gateway"},
                                },
                            },
                        },
                    },
                    {
                        "name": "envoy.filters.http.upstream_codec",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
                        },
                    },
                ],
            },
        },
    })
}

fn secret(source: Source<'_>) -> Value {
    json!({"name": "gateway", "generic_secret": {"secret": {"inline_string": source.credential}}})
}

fn wasm(filter: &Path, plugin: &Value) -> Value {
    json!({
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
                    "code": {"local": {"filename": filter}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": plugin.to_string(),
                },
            },
        },
    })
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
