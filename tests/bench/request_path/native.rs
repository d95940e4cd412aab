//! Envoy's own filters doing our filter's work as far as they can: jwt_authn verifies, RBAC decides by the same rules,
//! header_mutation rewrites.

use anyhow::{Result, anyhow};
use kubegate_core::authoring;
use kubegate_core::impersonation::AUTHENTICATED;
use kubegate_core::pattern::Pattern;
use kubegate_core::rule::{Cluster, Grant, Rule};
use kubegate_tests::issuer::Issuer;
use serde_json::{Map, Value, json};

use crate::company::{CLUSTER, Company, policy_file};

/// Where jwt_authn leaves the token's claims.
const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";
const PAYLOAD: &str = "session";

/// All of them, in order.
pub(super) fn filters(issuer: &Issuer, cache: bool, company: Company) -> Result<Vec<Value>> {
    let text = policy_file(&company.rules());
    let policy = authoring::parse("policy", &text, &|_| Err(std::io::ErrorKind::NotFound.into()))
        .map_err(|problems| anyhow!("{problems}"))?;
    let rbac = Rbac { clusters: &policy.clusters };
    let mut filters = vec![jwt_authn(issuer, cache)?];
    let denied = rbac.policies(&policy.rules, |rule| &rule.deny);
    if !denied.is_empty() {
        filters.push(rbac_filter("DENY", &denied));
    }
    filters.push(rbac_filter("ALLOW", &rbac.policies(&policy.rules, |rule| &rule.may)));
    let claim = |name: &str| format!("%DYNAMIC_METADATA({JWT_AUTHN}:{PAYLOAD}:{name})%");
    // The same identity as ours, but for the person's groups: no filter makes a header of each item of a list.
    filters.push(header_mutation(&[
        ("audit-id", "%REQ(x-request-id)%"),
        ("impersonate-user", &claim("user")),
        ("impersonate-group", AUTHENTICATED),
        ("impersonate-extra-kubegate.io%2fsession", &claim("sid")),
        ("impersonate-extra-kubegate.io%2fcluster", &claim("aud")),
        ("impersonate-extra-kubegate.io%2fprovider", &claim("provider")),
        ("impersonate-extra-kubegate.io%2fauth-time", &claim("auth_time")),
    ]));
    Ok(filters)
}

/// The filter that takes away what could carry identity, and sets `headers`.
pub(super) fn header_mutation(headers: &[(&str, &str)]) -> Value {
    let mut mutations = vec![
        json!({"remove": "authorization"}),
        json!({"remove_on_match": {"key_matcher": {"prefix": "impersonate-"}}}),
    ];
    let set = |(name, value): &(&str, &str)| json!({"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}});
    mutations.extend(headers.iter().map(set));
    json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": mutations},
        },
    })
}

fn jwt_authn(issuer: &Issuer, cache: bool) -> Result<Value> {
    let mut provider = json!({
        "issuer": issuer.url,
        "audiences": [CLUSTER],
        "local_jwks": {"inline_string": json!({"keys": [serde_json::to_value(issuer.token_key.public())?]}).to_string()},
        "payload_in_metadata": PAYLOAD,
    });
    if cache && let Some(fields) = provider.as_object_mut() {
        fields.insert("jwt_cache_config".to_owned(), json!({"jwt_cache_size": 1000}));
    }
    Ok(json!({
        "name": JWT_AUTHN,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"kubegate": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "kubegate"}}],
        },
    }))
}

fn rbac_filter(action: &str, policies: &Map<String, Value>) -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": action, "policies": policies},
        },
    })
}

/// Rules in the words of Envoy's RBAC.
struct Rbac<'a> {
    clusters: &'a [Cluster],
}

impl Rbac<'_> {
    /// A policy for each rule of which `grants` finds anything; what is cheap to ask comes first.
    fn policies(&self, rules: &[Rule], grants: fn(&Rule) -> &Vec<Grant>) -> Map<String, Value> {
        // Envoy goes through policies by name: by number, so that the order is the file's.
        let numbered = rules.iter().enumerate().filter(|(_, rule)| !grants(rule).is_empty());
        let policy = |(number, rule): (usize, &Rule)| {
            let permissions = grants(rule).iter().map(|grant| self.permission(rule, grant)).collect::<Vec<_>>();
            (format!("{number:05}"), json!({"permissions": permissions, "principals": [principal(rule)]}))
        };
        numbered.map(policy).collect()
    }

    fn permission(&self, rule: &Rule, grant: &Grant) -> Value {
        let mut all = Vec::new();
        if !rule.clusters.iter().any(Pattern::is_any) {
            let named = |cluster: &&Cluster| rule.clusters.iter().any(|name| name.matches(cluster.name.as_str()));
            let hosts = self.clusters.iter().filter(named).flat_map(|cluster| &cluster.hosts);
            all.push(any_of("or_rules", "rules", hosts.map(|host| header(":authority", host)).collect()));
        }
        let methods = methods(&grant.verbs);
        if !methods.is_empty() {
            all.push(any_of("or_rules", "rules", methods.iter().map(|method| header(":method", method)).collect()));
        }
        all.push(json!({"url_path": {"path": {"safe_regex": {"regex": path(grant)}}}}));
        json!({"and_rules": {"rules": all}})
    }
}

/// Whom a rule concerns, and when.
fn principal(rule: &Rule) -> Value {
    let groups = rule.who.groups.iter().map(|group| claim("groups", &json!({"list_match": {"one_of": text(group)}})));
    let users = rule.who.users.iter().map(|user| claim("user", &text(user)));
    let who = any_of("or_ids", "ids", groups.chain(users).collect());
    if rule.when.is_none() {
        return who;
    }
    // The company's one condition.
    let office = json!({"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}});
    let vpn = claim("groups", &json!({"list_match": {"one_of": {"string_match": {"exact": "vpn-users"}}}}));
    json!({"and_ids": {"ids": [who, any_of("or_ids", "ids", vec![office, vpn])]}})
}

fn claim(name: &str, value: &Value) -> Value {
    let path = json!([{"key": PAYLOAD}, {"key": name}]);
    let matcher = json!({"filter": JWT_AUTHN, "path": path, "value": value});
    json!({"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}})
}

fn text(pattern: &Pattern) -> Value {
    let matcher = match pattern.literal() {
        Some(text) => json!({"exact": text}),
        None => json!({"prefix": pattern.as_str().trim_end_matches('*')}),
    };
    json!({"string_match": matcher})
}

fn header(name: &str, value: &str) -> Value {
    json!({"header": {"name": name, "string_match": {"exact": value}}})
}

/// One of `of`; without the wrapping when there is one only.
fn any_of(operator: &str, field: &str, mut of: Vec<Value>) -> Value {
    match of.pop() {
        Some(only) if of.is_empty() => only,
        Some(last) => {
            of.push(last);
            json!({operator: {field: of}})
        }
        None => json!({"not_rule": {"any": true}}),
    }
}

/// The methods that verbs come with; none when all do.
fn methods(verbs: &[Pattern]) -> Vec<&'static str> {
    let method = |verb: &Pattern| match verb.as_str() {
        "create" => "POST",
        "patch" => "PATCH",
        _ => "GET",
    };
    if verbs.iter().any(Pattern::is_any) {
        return Vec::new();
    }
    let mut methods: Vec<&str> = verbs.iter().map(method).collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

/// A regular expression for the paths of what is granted.
fn path(grant: &Grant) -> String {
    let group = |name: &str| if name.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{name}/[^/]+") };
    let groups = alternatives(&grant.api_groups, group);
    let namespaces = match grant.namespaces.as_slice() {
        [] => "(?:/namespaces/[^/]+)?".to_owned(),
        named => format!("/namespaces/{}", alternatives(named, str::to_owned)),
    };
    let resources = alternatives(&grant.resources, |resource| match resource.split_once('/') {
        Some((kind, part)) => format!("{kind}/[^/]+/{part}"),
        None if resource == "*" => "[^/]+(?:/[^/]+)*".to_owned(),
        None => format!("{resource}(?:/[^/]+)?"),
    });
    format!("{groups}{namespaces}/{resources}")
}

fn alternatives(patterns: &[Pattern], write: impl Fn(&str) -> String) -> String {
    let written: Vec<String> = patterns.iter().map(|pattern| write(&pattern.as_str().replace('.', "\\."))).collect();
    if let [only] = written.as_slice() { only.clone() } else { format!("(?:{})", written.join("|")) }
}
