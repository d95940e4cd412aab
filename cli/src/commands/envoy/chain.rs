//! Filters and routes of a bootstrap, and what is wrong with their order.

use saphyr::Yaml;

/// The filter state that only Kubegate's filter should set.
const DECISION: &str = "wasm.kubegate.cluster";

/// Filters that can set filter state under any name.
const FORGERS: [&str; 5] = [
    "wasm.v3.Wasm",
    "lua.v3.Lua",
    "set_filter_state.v3.Config",
    "golang.v3alpha.Config",
    "dynamic_modules.v3.DynamicModuleFilter",
];

/// Something that could undo a decision.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Finding {
    /// A filter between ours and the router.
    #[error("the filter {0:?} stands behind Kubegate's and can change what was decided; put it before")]
    Behind(String),
    /// The listener has a way to an API server, and no filter.
    #[error("a listener leads to {0:?} without Kubegate's filter; add it, right before the router")]
    NoFilter(String),
    /// Envoy passes our filter over.
    #[error("Kubegate's filter is disabled; take `disabled` away")]
    Disabled,
    /// A route does not ask for the decision.
    #[error("a route leads to {0:?} without asking for the filter state {DECISION}; copy the match of envoy-config's")]
    OpenRoute(String),
    /// Which cluster a route leads to is not in it.
    #[error("a route takes its cluster from a header, which the client may choose; name the cluster")]
    ClusterHeader,
    /// Somebody else's code that can set the state.
    #[error("warning: the filter {0:?} can set filter state, and so decide in Kubegate's place; trust it as Kubegate")]
    Forger(String),
}

impl Finding {
    pub(super) fn is_mistake(&self) -> bool {
        !matches!(self, Self::Forger(_))
    }
}

/// All that is wrong in a bootstrap.
pub(super) fn findings(bootstrap: &Yaml<'_>) -> Vec<Finding> {
    let clusters = bootstrap.as_mapping_get("static_resources").and_then(|all| all.as_mapping_get("clusters"));
    let guarded: Vec<&str> = items(clusters)
        .filter(|cluster| has_type(cluster, "CredentialInjector"))
        .filter_map(|cluster| text(cluster, "name"))
        .collect();
    let mut findings = Vec::new();
    walk(bootstrap, &mut |node| {
        if is_type(node, "HttpConnectionManager") {
            judge_listener(node, &guarded, &mut findings);
        }
    });
    findings
}

fn judge_listener(manager: &Yaml<'_>, guarded: &[&str], findings: &mut Vec<Finding>) {
    let mut leads_to = None;
    walk(manager, &mut |node| {
        let Some(action) = node.as_mapping_get("route").filter(|_| node.as_mapping_get("match").is_some()) else {
            return;
        };
        let to = |name: &str| guarded.iter().find(|cluster| **cluster == name);
        let weighted = action.as_mapping_get("weighted_clusters").and_then(|all| all.as_mapping_get("clusters"));
        let names = text(action, "cluster").into_iter().chain(items(weighted).filter_map(|one| text(one, "name")));
        for cluster in names.filter_map(to) {
            leads_to = Some((*cluster).to_owned());
            if !asks_for_decision(node) {
                findings.push(Finding::OpenRoute((*cluster).to_owned()));
            }
        }
        if !guarded.is_empty() && action.as_mapping_get("cluster_header").is_some() {
            findings.push(Finding::ClusterHeader);
        }
    });
    let filters: Vec<&Yaml<'_>> = items(manager.as_mapping_get("http_filters")).collect();
    match (filters.iter().position(|filter| is_ours(filter)), leads_to) {
        (Some(ours), _) => judge_order(&filters, ours, findings),
        (None, Some(cluster)) => findings.push(Finding::NoFilter(cluster)),
        (None, None) => {}
    }
}

fn judge_order(filters: &[&Yaml<'_>], ours: usize, findings: &mut Vec<Finding>) {
    for (at, filter) in filters.iter().enumerate() {
        let name = text(filter, "name").unwrap_or("without a name").to_owned();
        if at == ours {
            let disabled = filter.as_mapping_get("disabled").and_then(Yaml::as_bool).unwrap_or_default();
            findings.extend(disabled.then_some(Finding::Disabled));
        } else if at > ours && !has_type(filter, "Router") {
            findings.push(Finding::Behind(name));
        } else if FORGERS.iter().any(|kind| has_type(filter, kind)) {
            findings.push(Finding::Forger(name));
        }
    }
}

fn asks_for_decision(route: &Yaml<'_>) -> bool {
    let states = route.as_mapping_get("match").and_then(|asked| asked.as_mapping_get("filter_state"));
    items(states).any(|state| {
        let inverted = state.as_mapping_get("invert_match").and_then(Yaml::as_bool).unwrap_or_default();
        text(state, "key") == Some(DECISION) && state.as_mapping_get("string_match").is_some() && !inverted
    })
}

/// The plugin configuration tells, whatever the filter is called.
fn is_ours(filter: &Yaml<'_>) -> bool {
    let mut found = false;
    walk(filter, &mut |node| {
        found |= text(node, "value").is_some_and(|value| value.contains("\"bundle_keys\""));
    });
    found && has_type(filter, "Wasm")
}

/// Whether it is, or holds, a message of that type.
fn has_type(node: &Yaml<'_>, kind: &str) -> bool {
    let mut found = false;
    walk(node, &mut |node| found |= is_type(node, kind));
    found
}

fn is_type(node: &Yaml<'_>, kind: &str) -> bool {
    text(node, "@type").and_then(|name| name.strip_suffix(kind)).is_some_and(|rest| rest.ends_with('.'))
}

fn text<'y>(node: &'y Yaml<'_>, field: &str) -> Option<&'y str> {
    node.as_mapping_get(field).and_then(Yaml::as_str)
}

fn items<'y, 'a>(list: Option<&'y Yaml<'a>>) -> impl Iterator<Item = &'y Yaml<'a>> {
    list.and_then(|list| list.as_vec()).into_iter().flatten()
}

/// Every mapping and list, from the outside in.
fn walk<'y>(node: &'y Yaml<'_>, visit: &mut impl FnMut(&'y Yaml<'_>)) {
    visit(node);
    match node {
        Yaml::Mapping(fields) => fields.values().for_each(|field| walk(field, visit)),
        Yaml::Sequence(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use saphyr::LoadableYamlNode as _;

    use super::*;

    const BOOTSTRAP: &str = include_str!("../../../../envoy-config/envoy.yaml");

    fn found(change: impl Fn(&str) -> String) -> Vec<Finding> {
        let mut text = change(BOOTSTRAP);
        // A placeholder's name is its value.
        while let Some((before, (name, behind))) =
            text.split_once("${").and_then(|(a, b)| Some((a, b.split_once('}')?)))
        {
            text = [before, name, behind].concat();
        }
        findings(&Yaml::load_from_str(&text).unwrap()[0])
    }

    #[test]
    fn the_bootstrap_that_we_hand_out_is_good() {
        assert_eq!(found(str::to_owned), []);
    }

    #[test]
    fn what_could_undo_a_decision_is_found() {
        let lua = "          - name: other\n            typed_config: {\"@type\": type.googleapis.com/x.lua.v3.Lua}\n";
        let router = "          - name: envoy.filters.http.router\n";
        let ours = "          - name: kubegate\n            typed_config:";
        let behind = found(|text| text.replace(router, &format!("{lua}{router}")));
        assert_eq!(behind, [Finding::Behind("other".to_owned())]);
        let before = found(|text| text.replace(ours, &format!("{lua}{ours}")));
        assert_eq!(before, [Finding::Forger("other".to_owned())]);
        let disabled = found(|text| {
            text.replace(ours, "          - name: kubegate\n            disabled: true\n            typed_config:")
        });
        assert_eq!(disabled, [Finding::Disabled]);
        let gone = found(|text| text.replace("\"bundle_keys\":", "\"keys\":"));
        assert_eq!(gone, [Finding::NoFilter("kubernetes_CLUSTER_NAME".to_owned())]);
        let open = found(|text| text.replace("key: wasm.kubegate.cluster", "key: wasm.other"));
        assert_eq!(open, [Finding::OpenRoute("kubernetes_CLUSTER_NAME".to_owned())]);
        let chosen = found(|text| {
            text.replace("route: {cluster: \"kubernetes_${CLUSTER_NAME}\"", "route: {cluster_header: x-c")
        });
        assert_eq!(chosen, [Finding::ClusterHeader]);
    }
}
