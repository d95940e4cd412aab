//! The `rules` of a policy file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::groups::Catalogue;
use super::{Once, each, patterns};
use crate::condition::Condition;
use crate::document::{Fields, Node};
use crate::id::RuleName;
use crate::identity_name;
use crate::pattern::{Pattern, any_matches};
use crate::request::CONNECTING;
use crate::rule::{Demand, Grant, GroupMapping, Rule, Who};

/// The oldest sign-in that a rule can ask for.
const LONGEST_AUTH_AGE: Duration = Duration::from_secs(366 * 86_400);

/// The most authentication context classes that a rule can name.
pub(super) const MOST_ACR: usize = 8;

/// Their length together, in bytes.
pub(super) const LONGEST_ACR: usize = 500;

/// The verbs of requests to the Kubernetes API (RBAC's `bind`, `escalate` and `use` are no request's).
pub(super) const VERBS: [&str; 10] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "proxy"];

/// What a path outside of the resource API is asked for with.
pub(super) const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

/// What rules may name; `None` where that cannot be said.
pub(super) struct Known<'a> {
    pub(super) clusters: Option<&'a [&'a str]>,
    pub(super) groups: Option<&'a Catalogue<'a>>,
}

pub(super) fn read(node: &Node<'_>, known: &Known<'_>) -> Option<Vec<Rule>> {
    let names = Once::new("the rule name");
    each(node, |item| read_rule(item, &names, known))
}

fn read_rule(node: &Node<'_>, names: &Once, known: &Known<'_>) -> Option<Rule> {
    let fields =
        node.fields(&["name", "who", "clusters", "may", "deny", "when", "authMaxAge", "acr", "auditOnly", "groups"])?;
    let name = fields.require("name").and_then(|field| {
        let name = rule_name(&field)?;
        names.check(name.as_str(), node);
        Some(name)
    });
    let who = fields.require("who").and_then(|node| who(&node, known.groups));
    let on = fields.require("clusters").and_then(|_| patterns(&fields, "clusters"));
    if let (Some(patterns), Some(names), Some(node)) = (&on, known.clusters, fields.get("clusters")) {
        report_unknown_clusters(&node, patterns, names);
    }
    let grants = |name| fields.get(name).map_or_else(|| Some(Vec::new()), |node| each(&node, read_grant));
    let (may, deny) = (grants("may"), grants("deny"));
    let audit_only = fields.get("auditOnly").map_or(Some(false), |node| {
        if fields.get("deny").is_none() {
            node.report("stands without deny, which alone it is about", "add deny, or remove it");
        }
        node.boolean()
    });
    let when = fields.get("when").map_or(Some(None), |node| read_condition(&node).map(Some));
    let demand = read_demand(&fields);
    report_idle(&fields);
    let groups = match fields.get("groups") {
        Some(node) => read_groups(&node, known.groups),
        None => Some(GroupMapping::default()),
    };
    if ["may", "deny", "groups"].iter().all(|field| fields.get(field).is_none()) {
        node.report("allows nothing, denies nothing and maps no groups", "add may, deny or groups, or remove the rule");
    }
    Some(Rule {
        name: name?,
        who: who?,
        clusters: on?,
        may: may?,
        deny: deny?,
        when: when?,
        demand: demand?,
        audit_only: audit_only?,
        groups: groups?,
    })
}

fn read_condition(node: &Node<'_>) -> Option<Condition> {
    Condition::parse(node.non_empty_text()?).map_err(|(problem, remedy)| node.report(problem, remedy)).ok()
}

fn read_demand(fields: &Fields<'_>) -> Option<Demand> {
    let auth_max_age = match fields.get("authMaxAge") {
        Some(node) => Some(node.duration(Duration::from_secs(1)..=LONGEST_AUTH_AGE)?.as_secs()),
        None => None,
    };
    let acr = match fields.get("acr") {
        Some(node) => {
            let acr = each(&node, read_acr)?;
            if acr.len() > MOST_ACR || acr.iter().map(String::len).sum::<usize>() > LONGEST_ACR {
                node.report(
                    format!("has more than {MOST_ACR} values, or more than {LONGEST_ACR} bytes"),
                    "name fewer, no sign-in can ask for so many",
                );
            }
            acr
        }
        None => Vec::new(),
    };
    Some(Demand { auth_max_age, acr })
}

/// People type it behind `kubegate login --acr`, so it must need no quotes.
fn read_acr(node: &Node<'_>) -> Option<String> {
    let acr = node.non_empty_text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/._~+%@-".contains(&byte);
    if acr.len() > LONGEST_ACR || !acr.bytes().all(plain) {
        node.report(format!("{acr:?} is no authentication context class"), "use the name that the provider documents");
        return None;
    }
    Some(acr.to_owned())
}

/// Conditions and demands are about what `may` and `deny` say of a request; groups are the same for all requests.
fn report_idle(fields: &Fields<'_>) {
    let is_there = |name: &&str| fields.get(name).is_some();
    for node in ["authMaxAge", "acr"].iter().filter_map(|name| fields.get(name)) {
        if !is_there(&"may") {
            node.report("stands without may, which alone it is about", "add may, or remove it");
        }
    }
    if let Some(node) = fields.get("when").filter(|_| !["may", "deny"].iter().any(is_there)) {
        node.report("stands without may and deny, which alone it is about", "add one of them, or remove it");
    }
    if let Some(node) = fields.get("groups").filter(|_| ["when", "authMaxAge", "acr"].iter().any(is_there)) {
        node.report(
            "stands beside when, authMaxAge or acr, but is the same for every request",
            "map groups in a rule of its own",
        );
    }
}

fn rule_name(node: &Node<'_>) -> Option<RuleName> {
    let name = node.non_empty_text()?;
    if let Err(problem) = identity_name::check(name) {
        node.report(format!("{name:?} {problem}"), "use visible ASCII without commas");
        return None;
    }
    Some(RuleName::from(name))
}

fn report_unknown_clusters(node: &Node<'_>, patterns: &[Pattern], names: &[&str]) {
    for pattern in patterns {
        if !names.iter().any(|name| pattern.matches(name)) {
            node.report(
                format!("{:?} is none of the policy's clusters", pattern.as_str()),
                format!("name one of {}", names.join(", ")),
            );
        }
    }
}

/// Reads whom something concerns: a mapping of `users`, `emails`, `domains`, `groups` and `claims`.
#[must_use]
pub fn read_who(node: &Node<'_>) -> Option<Who> {
    who(node, None)
}

fn who(node: &Node<'_>, catalogue: Option<&Catalogue<'_>>) -> Option<Who> {
    let fields = node.fields(&["users", "emails", "domains", "groups", "claims"])?;
    let lower = |patterns: Vec<Pattern>| -> Vec<Pattern> {
        patterns.into_iter().map(|pattern| Pattern::from(pattern.as_str().to_ascii_lowercase())).collect()
    };
    let claims = match fields.get("claims") {
        Some(node) => read_claims(&node),
        None => Some(BTreeMap::new()),
    };
    let who = Who {
        users: patterns(&fields, "users").unwrap_or_default(),
        emails: patterns(&fields, "emails").map(lower).unwrap_or_default(),
        domains: patterns(&fields, "domains").map(lower).unwrap_or_default(),
        groups: patterns(&fields, "groups").unwrap_or_default(),
        claims: claims?,
    };
    if let (Some(catalogue), Some(node)) = (catalogue, fields.get("groups")) {
        catalogue.check(&who.groups, &node);
    }
    let present = ["users", "emails", "domains", "groups", "claims"].iter().any(|field| fields.get(field).is_some());
    if !present {
        node.report("names nobody", "add users, emails, domains, groups or claims; users: [\"*\"] is everybody");
    }
    if let (Some(node), true) =
        (fields.get("users"), who.users.iter().any(|user| identity_name::is_reserved(user.as_str())))
    {
        node.report("names a user that begins with \"system:\"; nobody can sign in as one", "name people");
    }
    Some(who)
}

fn read_claims(node: &Node<'_>) -> Option<BTreeMap<String, Vec<serde_json::Value>>> {
    let mut claims = BTreeMap::new();
    let mut good = true;
    for (name, node) in node.mapping()?.all() {
        let values = each(&node, Node::scalar);
        if values.as_ref().is_some_and(Vec::is_empty) {
            node.report("is an empty list, which nobody's claim is among", "name at least one value");
        }
        match values {
            Some(values) => {
                claims.insert(name.to_owned(), values);
            }
            None => good = false,
        }
    }
    good.then_some(claims)
}

fn read_grant(node: &Node<'_>) -> Option<Grant> {
    let known = ["verbs", "apiGroups", "resources", "namespaces", "names", "nonResourceURLs"];
    let fields = node.fields(&known)?;
    let grant = Grant {
        verbs: patterns(&fields, "verbs").unwrap_or_default(),
        api_groups: patterns(&fields, "apiGroups").unwrap_or_default(),
        resources: patterns(&fields, "resources").unwrap_or_default(),
        namespaces: patterns(&fields, "namespaces").unwrap_or_default(),
        names: patterns(&fields, "names").unwrap_or_default(),
        non_resource_urls: patterns(&fields, "nonResourceURLs").unwrap_or_default(),
    };
    let _ = fields.require("verbs");
    let outside = fields.get("nonResourceURLs");
    let about_resources = ["apiGroups", "resources", "namespaces", "names"];
    match &outside {
        Some(urls) => {
            for field in about_resources.iter().filter_map(|name| fields.get(name)) {
                field.report("stands beside nonResourceURLs", "write two entries: one for resources, one for paths");
            }
            if grant.non_resource_urls.iter().any(|url| !url.as_str().starts_with(['/', '*'])) {
                urls.report("has a path that does not begin with '/'", "write it like /metrics or /healthz/*");
            }
        }
        None => {
            for name in ["apiGroups", "resources"] {
                let _ = fields.require(name);
            }
        }
    }
    if let Some(node) = fields.get("verbs") {
        let known: &[&str] = if outside.is_some() { &METHODS } else { &VERBS };
        report_unknown_verbs(&node, &grant.verbs, known);
        report_connecting(&node, &grant);
    }
    Some(grant)
}

/// An entry about connecting into workloads alone that lacks `create` can never match.
fn report_connecting(verbs: &Node<'_>, grant: &Grant) {
    let connects = |resource: &Pattern| {
        let subresource = resource.as_str().split_once('/').map(|(_, subresource)| subresource);
        subresource.is_some_and(|subresource| CONNECTING.contains(&subresource))
    };
    let only_connects = !grant.resources.is_empty() && grant.resources.iter().all(connects);
    if only_connects && !grant.verbs.is_empty() && !any_matches(&grant.verbs, "create") {
        verbs.report("exec, attach, portforward and proxy are judged as create, whatever the method", "add create");
    }
}

fn report_unknown_verbs(node: &Node<'_>, verbs: &[Pattern], known: &[&str]) {
    for verb in verbs.iter().filter(|verb| !known.iter().any(|name| verb.matches(name))) {
        node.report(
            format!("{:?} is not a verb", verb.as_str()),
            format!("use some of {}, or \"*\"", known.join(", ")),
        );
    }
}

fn read_groups(node: &Node<'_>, catalogue: Option<&Catalogue<'_>>) -> Option<GroupMapping> {
    let fields = node.fields(&["pass", "prefix", "extra"])?;
    let pass = match fields.get("pass") {
        Some(node) => {
            let pass: Vec<Pattern> = node.texts()?.into_iter().map(Pattern::from).collect();
            if let Some(catalogue) = catalogue {
                catalogue.check(&pass, &node);
            }
            Some(pass)
        }
        None => None,
    };
    let prefix = fields.get("prefix").and_then(|node| {
        let prefix = node.text()?;
        if identity_name::is_reserved(prefix) || !prefix.is_empty() && identity_name::check(prefix).is_err() {
            node.report(
                format!("{prefix:?} cannot stand before a group"),
                "use visible ASCII without commas, not \"system:\"",
            );
        }
        Some(prefix.to_owned())
    });
    let extra = match fields.get("extra") {
        Some(node) => each(&node, extra_group)?,
        None => Vec::new(),
    };
    Some(GroupMapping { pass, prefix: prefix.unwrap_or_default(), extra })
}

fn extra_group(node: &Node<'_>) -> Option<String> {
    let group = node.text()?;
    if let Err(problem) = identity_name::check(group) {
        node.report(format!("the group {group:?} {problem}"), "use visible ASCII without commas");
        return None;
    }
    if group == crate::impersonation::UNAUTHENTICATED {
        node.report("would make a signed-in person look like nobody", "name another group");
        return None;
    }
    Some(group.to_owned())
}
