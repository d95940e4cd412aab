//! The running Envoy's bootstrap with one thing changed, for a second Envoy beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::envoy::Envoy;
use crate::gateway::sds_file;
use crate::service_account::ServiceAccount;
use crate::world::CLUSTER;
use crate::{port, yaml};

/// Where a filter stands in the chain, seen from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It sees requests first.
    Before,
    /// It sees what ours has decided.
    Behind,
}

/// A bootstrap to change.
#[derive(Debug, Clone)]
pub struct Variant {
    bootstrap: Value,
    people_port: u16,
}

impl Variant {
    /// What `envoy`, which listens for people on `people_port`, was started with.
    pub fn of(envoy: &Envoy, people_port: u16) -> Result<Self> {
        let text = fs::read_to_string(&envoy.config).with_context(|| envoy.config.display().to_string())?;
        Ok(Self { bootstrap: yaml::parse(&text)?, people_port })
    }

    /// Without the filter, as after a mistake in the configuration.
    #[must_use]
    pub fn without_filter(mut self) -> Self {
        walk(&mut self.bootstrap, &mut |value| {
            if let Some(filters) = value.get_mut("http_filters").and_then(Value::as_array_mut) {
                filters.retain(|filter| !is_wasm(filter));
            }
        });
        self
    }

    /// With another module in the filter's place.
    #[must_use]
    pub fn with_module(mut self, module: &Path) -> Self {
        walk(&mut self.bootstrap, &mut |value| {
            if let Some(file) = value.pointer_mut("/vm_config/code/local/filename") {
                *file = module.display().to_string().into();
            }
        });
        self
    }

    /// With the plugin's configuration as `change` makes it.
    #[must_use]
    pub fn with_plugin_configuration(mut self, mut change: impl FnMut(&mut Value)) -> Self {
        walk(&mut self.bootstrap, &mut |value| {
            if value.get("vm_config").is_none() {
                return;
            }
            if let Some(Value::String(text)) = value.pointer_mut("/configuration/value") {
                let mut configuration = serde_json::from_str(text).expect("the plugin configuration is JSON");
                change(&mut configuration);
                *text = configuration.to_string();
            }
        });
        self
    }

    /// With another control plane, on this machine.
    #[must_use]
    pub fn with_control_plane(mut self, port: u16) -> Self {
        walk(&mut self.bootstrap, &mut |value| {
            if is_control_plane(value)
                && let Some(place) = value.pointer_mut(ADDRESS)
            {
                *place = port.into();
            }
        });
        self
    }

    /// Without a control plane for the filter: the Envoy cluster that leads there is gone.
    #[must_use]
    pub fn without_control_plane(mut self) -> Self {
        if let Some(clusters) = self.bootstrap.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut) {
            clusters.retain(|cluster| !is_control_plane(cluster));
        }
        self
    }

    /// With a service account's token of its own, by which the API server's audit log tells its requests from others'.
    pub fn with_service_account(mut self, account: &ServiceAccount) -> Result<Self> {
        let name = format!("kubernetes_{CLUSTER}");
        let path = sds_file(&name, account.token_file())?;
        let folder = path.parent().unwrap_or(Path::new("/")).display().to_string();
        walk(&mut self.bootstrap, &mut |value| {
            if value.get("name").is_some_and(|found| *found == name.as_str())
                && let Some(source) = value.pointer_mut("/sds_config/path_config_source")
            {
                *source = json!({"path": path, "watched_directory": {"path": folder}});
            }
        });
        Ok(self)
    }

    /// With somebody else's filter right before ours or right behind it.
    #[must_use]
    pub fn with_neighbour(mut self, place: Place, name: &str, module: &Path) -> Self {
        let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
        let vm = json!({"vm_id": name, "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": module}}});
        let filter = json!({"name": name, "typed_config": {"@type": wasm,
            "config": {"name": name, "failure_policy": "FAIL_RELOAD", "vm_config": vm}}});
        walk(&mut self.bootstrap, &mut |value| {
            if let Some(filters) = value.get_mut("http_filters").and_then(Value::as_array_mut)
                && let Some(ours) = filters.iter().position(|filter| filter["name"] == "kubegate")
            {
                filters.insert(ours + usize::from(place == Place::Behind), filter.clone());
            }
        });
        self
    }

    /// Starts an Envoy with it on ports of its own.
    pub fn start(mut self, name: &str, dir: &Path, log_dir: &Path) -> Result<(Envoy, u16)> {
        let (people, admin) = (port::free()?, port::free()?);
        let old = u64::from(self.people_port);
        if let Some(port) = self.bootstrap.pointer_mut("/admin/address/socket_address/port_value") {
            *port = admin.into();
        }
        walk(&mut self.bootstrap, &mut |value| {
            if let Some(port) = value.get_mut("port_value")
                && port.as_u64() == Some(old)
            {
                *port = people.into();
            }
        });
        Ok((Envoy::start(name, dir, log_dir, &self.bootstrap.to_string(), admin)?, people))
    }
}

const ADDRESS: &str = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";

fn is_control_plane(cluster: &Value) -> bool {
    cluster.get("name").is_some_and(|name| name == "kubegate_control_plane_internal")
}

fn is_wasm(filter: &Value) -> bool {
    filter.pointer("/typed_config/@type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("wasm.v3.Wasm"))
}

/// Every object and list in `value`, from the outside in.
fn walk(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, visit)),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, visit)),
        _ => {}
    }
}
