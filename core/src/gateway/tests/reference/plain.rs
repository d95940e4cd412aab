//! `docs/policy.md` in the plainest words: every rule of the file, one after the other, for each question.

use std::collections::BTreeSet;

use serde_json::Value;

use super::generate::{Asked, Question, Somebody};
use crate::impersonation::Assumed;

pub(super) const DISCOVERY: &str = "discovery";
pub(super) const ABOUT_ONESELF: &str = "a question about oneself";

/// What becomes of a question: the names of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) denied_by: Option<String>,
    pub(super) would_deny: Option<String>,
    pub(super) allowed_by: Option<String>,
    pub(super) demanded_by: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) assumption: Option<Assumption>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assumption {
    Granted { would_deny: Option<String> },
    Refused { demands: Option<String> },
}

/// What a condition makes of a question; nothing where it cannot be evaluated.
type Holds = fn(&Somebody, &Asked<'_>) -> Option<bool>;

/// Conditions, and what they mean.
pub(super) const CONDITIONS: &[(&str, Holds)] = &[
    ("person.user == \"ann\"", |person, _| Some(person.user == "ann")),
    ("\"team-a\" in person.groups", |person, _| Some(person.groups.contains(&"team-a"))),
    ("person.claims.department == \"sre\"", |person, _| Some(department(person)? == "sre")),
    ("has(person.claims.department)", |person, _| Some(department(person).is_some())),
    ("person.email.endsWith(\"@y.example\")", |person, _| Some(person.email.unwrap_or("").ends_with("@y.example"))),
    ("now - session.authTime < duration(\"5m\")", |person, _| Some(person.age < 300)),
    ("session.acr != \"\"", |person, _| Some(person.acr.is_some())),
    ("cidr(\"10.0.0.0/8\").containsIP(source.address)", |person, _| Some(person.source.starts_with("10."))),
    ("request.verb != \"create\"", |_, asked| Some(judged_verb(asked) != "create")),
    ("request.namespace == \"team-a\"", |_, asked| Some(asked.namespace == "team-a")),
    ("request.isResourceRequest", |_, asked| Some(asked.path.is_empty())),
];

/// The claim, which is missing where it is `null`.
fn department(person: &Somebody) -> Option<&Value> {
    person.department.as_ref().filter(|value| !value.is_null())
}

pub(super) fn decide(policy: &Value, question: &Question) -> Said {
    let Question { person, asked, assumed } = question;
    let rules: Vec<&Value> = list(policy, "rules").filter(|rule| concerns(rule, person)).collect();
    let denied_by = denying(&rules, person, asked, false);
    let by_rule = allowing(&rules, person, asked, |_| true);
    let is_open = open_to_everybody(asked);
    let allowed_by = by_rule.clone().ok().or(is_open.map(str::to_owned)).filter(|_| denied_by.is_none());
    let demanded_by = by_rule.err().flatten().filter(|_| denied_by.is_none() && allowed_by.is_none());
    Said {
        would_deny: denying(&rules, person, asked, true),
        groups: groups(&rules, person),
        assumption: assumed.as_ref().map(|assumed| assume(&rules, person, assumed)),
        denied_by,
        allowed_by,
        demanded_by,
    }
}

/// `*` stands for any run of characters.
fn fits(glob: &str, text: &str) -> bool {
    match glob.split_at_checked(1) {
        None => text.is_empty(),
        Some(("*", rest)) => (0..=text.len()).any(|from| fits(rest, &text[from..])),
        Some((first, rest)) => text.strip_prefix(first).is_some_and(|text| fits(rest, text)),
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

fn any_fits(value: &Value, name: &str, text: &str) -> bool {
    list(value, name).any(|glob| fits(glob.as_str().unwrap(), text))
}

fn name_of(rule: &Value) -> String {
    rule["name"].as_str().unwrap().to_owned()
}

/// `who`, on the cluster `prod`.
fn concerns(rule: &Value, person: &Somebody) -> bool {
    let who = &rule["who"];
    let email = person.email.map(str::to_lowercase);
    let domain = email.as_deref().and_then(|email| Some(email.rsplit_once('@')?.1));
    let any_case = |name, text: &str| list(who, name).any(|glob| fits(&glob.as_str().unwrap().to_lowercase(), text));
    let named = any_fits(who, "users", person.user)
        || email.as_deref().is_some_and(|email| any_case("emails", email))
        || domain.is_some_and(|domain| any_case("domains", domain))
        || person.groups.iter().any(|group| any_fits(who, "groups", group));
    let claims_alone = ["users", "emails", "domains", "groups"].iter().all(|field| who.get(field).is_none());
    let has = |value: &Value| list(&who["claims"], "department").any(|wanted| wanted == value);
    let claims = who.get("claims").is_none()
        || department(person)
            .is_some_and(|value| value.as_array().map_or_else(|| has(value), |items| items.iter().any(has)));
    (named || claims_alone) && claims && any_fits(rule, "clusters", "prod")
}

/// Whether its condition is true; nothing where that cannot be said.
fn holds(rule: &Value, person: &Somebody, asked: &Asked<'_>) -> Option<bool> {
    let Some(when) = rule.get("when") else { return Some(true) };
    let (_, holds) = CONDITIONS.iter().find(|(text, _)| when == text).unwrap();
    holds(person, asked)
}

/// The first rule that denies; a condition that cannot be evaluated does.
fn denying(rules: &[&Value], person: &Somebody, asked: &Asked<'_>, on_trial: bool) -> Option<String> {
    let is_on_trial = |rule: &Value| rule.get("auditOnly") == Some(&Value::Bool(true));
    let denies = |rule: &Value| list(rule, "deny").any(|entry| is_about(entry, asked));
    let mut rules = rules.iter().filter(|rule| is_on_trial(rule) == on_trial && denies(rule));
    rules.find(|rule| holds(rule, person, asked) != Some(false)).map(|rule| name_of(rule))
}

/// The first rule that allows by an entry that is enough; else the first that would after another sign-in.
fn allowing(
    rules: &[&Value],
    person: &Somebody,
    asked: &Asked<'_>,
    is_enough: impl Fn(&Value) -> bool,
) -> Result<String, Option<String>> {
    let allows = |rule: &Value| list(rule, "may").any(|entry| is_about(entry, asked) && is_enough(entry));
    let is_fresh = |rule: &Value| rule.get("authMaxAge").is_none() || person.age <= 15 * 60;
    let is_strong = |rule: &Value| {
        rule.get("acr").is_none() || person.acr.is_some_and(|acr| list(rule, "acr").any(|one| one == acr))
    };
    let allowing = rules.iter().filter(|rule| allows(rule) && holds(rule, person, asked) == Some(true));
    let allowing: Vec<_> = allowing.collect();
    let met = allowing.iter().find(|rule| is_fresh(rule) && is_strong(rule));
    met.map(|rule| name_of(rule)).ok_or_else(|| allowing.first().map(|rule| name_of(rule)))
}

fn judged_verb<'a>(asked: &Asked<'a>) -> &'a str {
    if ["exec", "attach", "portforward", "proxy"].contains(&asked.subresource) { "create" } else { asked.verb }
}

/// Whether an entry of `may` or `deny` is about a request.
fn is_about(entry: &Value, asked: &Asked<'_>) -> bool {
    let is_among =
        |name: &str, text: &str| entry.get(name).is_none() || !text.is_empty() && any_fits(entry, name, text);
    if !any_fits(entry, "verbs", judged_verb(asked)) {
        return false;
    }
    if !asked.path.is_empty() {
        return any_fits(entry, "nonResourceURLs", asked.path);
    }
    let resource = |glob: &Value| match glob.as_str().unwrap().split_once('/') {
        None if glob == "*" => true,
        None => asked.subresource.is_empty() && fits(glob.as_str().unwrap(), asked.resource),
        Some((resource, subresource)) => {
            !asked.subresource.is_empty() && fits(resource, asked.resource) && fits(subresource, asked.subresource)
        }
    };
    any_fits(entry, "apiGroups", asked.group)
        && list(entry, "resources").any(resource)
        && is_among("namespaces", asked.namespace)
        && is_among("names", asked.name)
}

/// What everybody may who is signed in.
fn open_to_everybody(asked: &Asked<'_>) -> Option<&'static str> {
    let discovery = ["/api", "/apis", "/healthz", "/version"].contains(&asked.path)
        || ["/api/", "/apis/"].iter().any(|start| asked.path.starts_with(start));
    if asked.verb == "get" && discovery {
        return Some(DISCOVERY);
    }
    (asked.verb == "create" && asked.resource == "selfsubjectaccessreviews").then_some(ABOUT_ONESELF)
}

/// The groups that the API server sees.
fn groups(rules: &[&Value], person: &Somebody) -> Vec<String> {
    let mappings = || rules.iter().map(|rule| &rule["groups"]);
    let mut seen: BTreeSet<String> =
        mappings().flat_map(|mapping| list(mapping, "extra")).map(|group| group.as_str().unwrap().to_owned()).collect();
    let maps = |mapping: &&Value| mapping.get("pass").is_some() || mapping.get("prefix").is_some();
    for group in &person.groups {
        let is_reserved = group.starts_with("system:");
        for mapping in mappings().filter(maps) {
            let in_full = list(mapping, "pass").any(|pass| pass == group);
            let passes =
                if is_reserved { in_full } else { mapping.get("pass").is_none() || any_fits(mapping, "pass", group) };
            let prefix = mapping["prefix"].as_str().unwrap_or_default();
            let name = format!("{prefix}{group}");
            if passes && (prefix.is_empty() || !name.starts_with("system:")) {
                seen.insert(name);
            }
        }
        if !mappings().any(|mapping| maps(&mapping)) && !is_reserved {
            seen.insert((*group).to_owned());
        }
    }
    seen.remove("system:unauthenticated");
    seen.into_iter().collect()
}

/// Whether a person may be somebody else: each thing that is asked for needs its grant.
fn assume(rules: &[&Value], person: &Somebody, assumed: &Assumed) -> Assumption {
    let mut would_deny = None;
    for asked in things(assumed) {
        if denying(rules, person, &asked, false).is_some() {
            return Assumption::Refused { demands: None };
        }
        if let Err(demands) = allowing(rules, person, &asked, |entry| is_named_enough(&asked, entry)) {
            return Assumption::Refused { demands };
        }
        would_deny = would_deny.or(denying(rules, person, &asked, true));
    }
    Assumption::Granted { would_deny }
}

/// The user or service account, the groups, the uid and the extras, each as a request to impersonate it.
fn things(assumed: &Assumed) -> Vec<Asked<'_>> {
    let core = |resource, name| Asked { verb: "impersonate", resource, name, ..Asked::default() };
    let other = |resource, name| Asked { group: "authentication.k8s.io", ..core(resource, name) };
    let parts: Vec<&str> = assumed.user.split(':').collect();
    let user = match parts.as_slice() {
        ["system", "serviceaccount", namespace, name] if name.to_lowercase() == *name => {
            Asked { namespace, ..core("serviceaccounts", name) }
        }
        _ => core("users", &assumed.user),
    };
    let groups = assumed.groups.iter().filter(|group| *group != "system:authenticated");
    let mut things = vec![user];
    things.extend(groups.map(|group| core("groups", group)));
    things.extend(assumed.uid.iter().map(|uid| other("uids", uid)));
    things.extend(assumed.extras.iter().map(|(key, value)| Asked { subresource: key, ..other("userextras", value) }));
    things
}

/// Nothing of Kubernetes' own comes with a wildcard, and Kubegate's extras are nobody's.
fn is_named_enough(asked: &Asked<'_>, entry: &Value) -> bool {
    let in_full = |name: &str, text: &str| list(entry, name).any(|glob| glob == text);
    match asked.resource {
        "serviceaccounts" => in_full("resources", "serviceaccounts"),
        "users" | "groups" if ["system:anonymous", "system:unauthenticated"].contains(&asked.name) => false,
        "users" | "groups" if asked.name.starts_with("system:") => in_full("names", asked.name),
        "userextras" => !asked.subresource.starts_with("kubegate.io/"),
        _ => true,
    }
}
