//! envoy-config/envoy.yaml for each variant: the same listener, TLS, connection manager and upstream; other filters.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kubegate_tests::envoy::Envoy;
use kubegate_tests::issuer::Issuer;
use kubegate_tests::pki::Pki;
use kubegate_tests::{paths, port, template, yaml};
use serde_json::{Value, json};

use super::filters::{EXT_AUTHZ, Filters};
use crate::company::{CLUSTER, HOST};

/// What all variants share.
pub(super) struct Surroundings {
    /// Where configurations and logs go.
    pub(super) dir: PathBuf,
    /// Envoy's certificate.
    pub(super) pki: Pki,
    /// Mints tokens, signs bundles.
    pub(super) issuer: Issuer,
    /// The upstream's port.
    pub(super) upstream: u16,
    /// The authorization service's port.
    pub(super) ext_authz: u16,
    /// envoy.yaml's two credentials, as Envoy reads them.
    credentials: [PathBuf; 2],
}

impl Surroundings {
    /// With fresh keys, in the folder `dir`.
    pub(super) fn new(dir: &Path) -> Result<Self> {
        let credential = |name: &str| credential(&dir.join(name), name);
        Ok(Self {
            dir: dir.to_owned(),
            pki: Pki::create(&dir.join("pki"), &[HOST])?,
            issuer: Issuer::new("https://kubegate.example.com")?,
            upstream: port::free()?,
            ext_authz: port::free()?,
            credentials: [credential(&format!("kubernetes_{CLUSTER}"))?, credential("gateway")?],
        })
    }

    /// An Envoy with `filters`, and the port for requests.
    pub(super) fn start(&self, name: &str, filters: Filters) -> Result<(Envoy, u16)> {
        let (port, admin_port) = (port::free()?, port::free()?);
        let bootstrap = self.bootstrap(filters, port, admin_port)?.to_string();
        Ok((Envoy::start_with_workers(1, name, &self.dir, &self.dir, &bootstrap, admin_port)?, port))
    }

    fn bootstrap(&self, filters: Filters, port: u16, admin_port: u16) -> Result<Value> {
        let mut bootstrap = yaml::parse(&self.deployed(port, admin_port)?)?;
        let clusters = part(&mut bootstrap, "/static_resources/clusters")?.as_array_mut().context("no clusters")?;
        let kubernetes = clusters.first_mut().and_then(Value::as_object_mut).context("no cluster of an API server")?;
        // The upstream's own TLS is no difference between variants.
        kubernetes.remove("transport_socket");
        clusters.push(ext_authz_cluster(self.ext_authz));
        let manager = part(&mut bootstrap, MANAGER)?.as_object_mut().context("no connection manager")?;
        manager.remove("access_log");
        let chain = part(&mut bootstrap, &format!("{MANAGER}/http_filters"))?.as_array_mut().context("no filters")?;
        let (production, router) = (chain.remove(0), chain.remove(0));
        *chain = filters.configuration(&self.dir, &self.issuer, production)?;
        chain.push(router);
        if !matches!(filters, Filters::Kubegate { .. }) {
            open_route(&mut bootstrap)?;
        }
        Ok(bootstrap)
    }

    /// envoy.yaml filled in.
    fn deployed(&self, port: u16, admin_port: u16) -> Result<String> {
        let folder = |file: &Path| file.parent().unwrap_or(file).display().to_string();
        let [service_account, gateway] = &self.credentials;
        let values: [(&str, String); 22] = [
            ("ADMIN_PORT", admin_port.to_string()),
            ("LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("LISTEN_PORT", port.to_string()),
            ("TLS_CERTIFICATE", self.pki.cert.display().to_string()),
            ("TLS_PRIVATE_KEY", self.pki.key.display().to_string()),
            ("FILTER_WASM", paths::filter()?.display().to_string()),
            ("ISSUER", self.issuer.url.clone()),
            ("BUNDLE_PUBLIC_KEY", String::new()),
            ("CONTROL_PLANE_HOST", "kubegate.example.com".to_owned()),
            ("CLUSTER_NAME", CLUSTER.to_owned()),
            ("KUBERNETES_HOST", "127.0.0.1".to_owned()),
            ("KUBERNETES_PORT", self.upstream.to_string()),
            ("KUBERNETES_SERVER_NAME", "127.0.0.1".to_owned()),
            ("KUBERNETES_CA", self.pki.ca.display().to_string()),
            ("KUBERNETES_SAN_TYPE", "IP_ADDRESS".to_owned()),
            ("SERVICE_ACCOUNT_SDS", service_account.display().to_string()),
            ("SERVICE_ACCOUNT_DIRECTORY", folder(service_account)),
            ("CONTROL_PLANE_ADDRESS", "127.0.0.1".to_owned()),
            ("CONTROL_PLANE_PUBLIC_PORT", self.upstream.to_string()),
            ("CONTROL_PLANE_INTERNAL_PORT", self.upstream.to_string()),
            ("GATEWAY_SDS", gateway.display().to_string()),
            ("GATEWAY_DIRECTORY", folder(gateway)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Envoy::bootstrap(&values)
    }
}

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// Without our filter nothing has its decision: the API server's route asks for none.
fn open_route(bootstrap: &mut Value) -> Result<()> {
    let routes = part(bootstrap, &format!("{MANAGER}/route_config/virtual_hosts/1/routes"))?;
    let routes = routes.as_array_mut().context("no routes")?;
    routes.retain(|route| route.pointer("/match/filter_state/0/key").is_some_and(|key| key == "wasm.kubegate.cluster"));
    let wanted = routes.first_mut().and_then(|route| route.get_mut("match")).context("no API server's route")?;
    *wanted = json!({"prefix": "/"});
    Ok(())
}

fn part<'a>(bootstrap: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    bootstrap.pointer_mut(pointer).with_context(|| format!("envoy.yaml has no {pointer}"))
}

fn ext_authz_cluster(port: u16) -> Value {
    json!({
        "name": EXT_AUTHZ,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": EXT_AUTHZ,
            "endpoints": [{"lb_endpoints": [{"endpoint": {
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            }}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            },
        },
    })
}

/// A credential in a folder of its own, and envoy-config/sds.yaml for it.
fn credential(dir: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let (secret, sds) = (dir.join("token"), dir.join("sds.yaml"));
    fs::write(&secret, format!("the credential of {name}"))?;
    let text = fs::read_to_string(paths::root().join("envoy-config/sds.yaml"))?;
    fs::write(&sds, template::render(&text, &[("NAME", name), ("FILE", &secret.display().to_string())])?)?;
    Ok(sds)
}
