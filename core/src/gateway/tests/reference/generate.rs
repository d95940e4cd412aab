//! Policies, people and requests out of few words, so that they often meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::plain::CONDITIONS;
use crate::impersonation::Assumed;
use crate::time::Timestamp;
use crate::token::SessionClaims;

/// The time.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

/// How many questions each policy is asked.
pub(super) const QUESTIONS: usize = 4;

/// A policy file as JSON, which is YAML too, and what it is asked.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) policy: Value,
    pub(super) questions: Vec<Question>,
}

/// Somebody, what they ask of the cluster `prod`, and whom they ask to be.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) person: Somebody,
    pub(super) asked: Asked<'static>,
    pub(super) assumed: Option<Assumed>,
}

#[derive(Clone, Debug)]
pub(super) struct Somebody {
    pub(super) user: &'static str,
    pub(super) email: Option<&'static str>,
    pub(super) groups: Vec<&'static str>,
    pub(super) department: Option<Value>,
    pub(super) acr: Option<&'static str>,
    /// How many seconds ago they signed in.
    pub(super) age: u64,
    pub(super) source: &'static str,
}

impl Somebody {
    pub(super) fn claims(&self) -> SessionClaims {
        let claims: Map<_, _> = self.department.iter().map(|value| ("department".to_owned(), value.clone())).collect();
        serde_json::from_value(json!({
            "iss": "i", "sub": "corp:x", "aud": "prod", "exp": 0, "nbf": 0, "iat": 0, "jti": "j", "sid": "s",
            "session_exp": 0, "auth_time": NOW.seconds() - self.age, "provider": "corp", "user": self.user,
            "email": self.email, "groups": self.groups, "claims": claims, "acr": self.acr,
        }))
        .expect("claims")
    }
}

/// A request as Kubernetes sees it, and as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Of what is no resource.
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) url: String,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let rules = vec(rule(), 1..=6).prop_map(|rules| {
        let named = rules.into_iter().enumerate().map(|(number, mut rule)| {
            rule["name"] = format!("rule {number}").into();
            rule
        });
        json!({"clusters": [cluster("prod"), cluster("dev")], "rules": named.collect::<Vec<_>>()})
    });
    let question = (somebody(), asked(), option::weighted(0.4, assumed()))
        .prop_map(|(person, asked, assumed)| Question { person, asked, assumed });
    (rules, vec(question, QUESTIONS)).prop_map(|(policy, questions)| Case { policy, questions })
}

fn cluster(name: &str) -> Value {
    json!({"name": name, "hosts": [format!("{name}.example.com")], "server": format!("https://{name}.example.com")})
}

fn rule() -> impl Strategy<Value = Value> {
    let clusters = select(vec![json!(["prod"]), json!(["*"]), json!(["p*", "dev"]), json!(["*o*"]), json!(["dev"])]);
    let may = option::weighted(0.8, vec(entry(), 1..=3).prop_map(Value::from));
    let deny = option::weighted(0.5, vec(entry(), 1..=3).prop_map(Value::from));
    let when = option::weighted(0.3, select(CONDITIONS).prop_map(|(text, _)| json!(text)));
    let demand = (option::weighted(0.15, Just(json!("15m"))), option::weighted(0.15, Just(json!(["phr"]))));
    (who(), clusters, may, deny, when, demand, any::<bool>(), option::weighted(0.5, groups())).prop_map(
        |(who, clusters, may, deny, when, (age, acr), on_trial, groups)| {
            let mut rule = json!({"who": who, "clusters": clusters});
            let mut put = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    rule[name] = value;
                }
            };
            let (may, deny) =
                if may.is_none() && deny.is_none() { (Some(json!([anything()])), None) } else { (may, deny) };
            // Fields that stand beside nothing that they are about are mistakes in a file.
            let demand = may.is_some() && (age.is_some() || acr.is_some());
            put("groups", groups.filter(|_| when.is_none() && !demand));
            put("when", when);
            put("authMaxAge", age.filter(|_| demand));
            put("acr", acr.filter(|_| demand));
            put("auditOnly", (on_trial && deny.is_some()).then_some(json!(true)));
            put("may", may);
            put("deny", deny);
            rule
        },
    )
}

fn anything() -> Value {
    json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
}

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(words, 1..=2).prop_map(|words| json!(words))
}

/// An object of those members that are there.
fn object(members: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    members.collect::<Map<_, _>>().into()
}

fn who() -> impl Strategy<Value = Value> {
    let users = option::weighted(0.3, some(&["ann", "bob", "a*", "*"]));
    let emails = option::weighted(0.2, some(&["ann@x.example", "Bob@Y.example", "*@x.example"]));
    let domains = option::weighted(0.2, some(&["x.example", "Y.*", "example"]));
    let groups = option::weighted(0.7, some(&["team-a", "team-*", "admins", "*", "system:masters"]));
    let values = subsequence(vec![json!("sre"), json!("ops"), json!(1)], 1..=2);
    let claims = option::weighted(0.2, values.prop_map(|values| json!({"department": values})));
    (users, emails, domains, groups, claims).prop_map(|(users, emails, domains, groups, claims)| {
        let fields =
            [("users", users), ("emails", emails), ("domains", domains), ("groups", groups), ("claims", claims)];
        let is_empty = fields.iter().all(|(_, field)| field.is_none());
        if is_empty { json!({"users": ["*"]}) } else { object(fields) }
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let verbs = some(&["get", "list", "watch", "create", "update", "delete", "*", "*"]);
    let groups = select(vec![json!([""]), json!(["*"]), json!(["apps", "authorization.k8s.io"]), json!(["", "apps"])]);
    let resources =
        some(&["pods", "pods/*", "pods/exec", "*/scale", "*", "deployments", "po*", "*/*", "nodes", "self*"]);
    let namespaces = option::weighted(0.2, some(&["team-a", "team-*", "*"]));
    let names = option::weighted(0.2, some(&["web", "w*", "*", "db"]));
    let resources =
        (verbs, groups, resources, namespaces, names).prop_map(|(mut verbs, groups, resources, namespaces, names)| {
            if resources == json!(["pods/exec"]) {
                verbs = json!(["create", verbs[0]]);
            }
            let [verbs, groups, resources] = [verbs, groups, resources].map(Some);
            let limits = [("namespaces", namespaces), ("names", names)];
            object([("verbs", verbs), ("apiGroups", groups), ("resources", resources)].into_iter().chain(limits))
        });
    let paths = (some(&["get", "post", "*"]), some(&["/metrics", "/logs/*", "/*", "*", "/api*", "*s"]))
        .prop_map(|(verbs, paths)| json!({"verbs": verbs, "nonResourceURLs": paths}));
    prop_oneof![3 => resources, 1 => Just(anything()), 2 => impersonation(), 1 => paths]
}

fn impersonation() -> impl Strategy<Value = Value> {
    let groups = select(vec![json!([""]), json!(["*"]), json!(["", "authentication.k8s.io"])]);
    let resources = some(&["users", "groups", "serviceaccounts", "userextras/*", "uids", "*", "user*", "*", "s*"]);
    let namespaces = option::weighted(0.2, some(&["ci", "*"]));
    let names = option::weighted(0.5, some(&["guest-*", "guests", "system:masters", "system:*", "bot", "*", "*"]));
    (groups, resources, namespaces, names).prop_map(|(groups, resources, namespaces, names)| {
        let grant =
            [("verbs", Some(json!(["impersonate"]))), ("apiGroups", Some(groups)), ("resources", Some(resources))];
        object(grant.into_iter().chain([("namespaces", namespaces), ("names", names)]))
    })
}

fn groups() -> impl Strategy<Value = Value> {
    let pass = option::weighted(0.4, some(&["team-*", "admins", "system:masters", "system:*", "*", "tem:x"]));
    let prefix = option::weighted(0.3, select(vec![json!("corp:"), json!("sys"), json!("s")]));
    let extra = option::weighted(0.4, some(&["oncall", "viewers", "team-a", "system:nodes"]));
    (pass, prefix, extra)
        .prop_map(|(pass, prefix, extra)| object([("pass", pass), ("prefix", prefix), ("extra", extra)]))
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let departments = vec![json!("sre"), json!("ops"), json!(["sre", "x"]), json!(["x", 1]), json!(1), Value::Null];
    (
        select(vec!["ann", "bob", "cid"]),
        option::of(select(vec!["Ann@X.example", "bob@y.example", "bob@x.example", "x.example@example"])),
        subsequence(vec!["admins", "system:masters", "system:unauthenticated", "team-a", "team-b", "tem:x"], 0..=4),
        option::of(select(departments)),
        option::of(select(vec!["phr", "pwd"])),
        select(vec![10, 600, 3600]),
        select(vec!["10.1.2.3", "192.0.2.1"]),
    )
        .prop_map(|(user, email, groups, department, acr, age, source)| Somebody {
            user,
            email,
            groups,
            department,
            acr,
            age,
            source,
        })
}

fn asked() -> impl Strategy<Value = Asked<'static>> {
    prop_oneof![6 => resource(), 1 => path(), 1 => Just(about_oneself())]
}

fn resource() -> impl Strategy<Value = Asked<'static>> {
    let kinds = vec![("", "pods", ""), ("", "pods", "exec"), ("", "pods", "log"), ("apps", "deployments", "")];
    let more = [("apps", "deployments", "scale"), ("", "nodes", ""), ("", "nodes", "proxy")];
    let kinds = select([kinds, more.to_vec()].concat());
    let verbs = vec!["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "list by name"];
    (kinds, select(verbs), option::weighted(0.8, select(vec!["team-a", "team-b"])), select(vec!["web", "db"])).prop_map(
        |((group, resource, subresource), verb, namespace, name)| {
            let namespace = namespace.filter(|_| resource != "nodes").unwrap_or_default();
            written(Asked { verb, group, resource, subresource, namespace, name, ..Asked::default() })
        },
    )
}

/// The request line that means it.
fn written(mut asked: Asked<'static>) -> Asked<'static> {
    let collection = ["list", "watch", "create", "deletecollection", "list by name"];
    let (method, verb_of_one, query) = match asked.verb {
        "create" => ("POST", "create", ""),
        "update" => ("PUT", "update", ""),
        "patch" => ("PATCH", "patch", ""),
        "delete" | "deletecollection" => ("DELETE", "delete", ""),
        "watch" => ("GET", "get", "?watch=1"),
        "list by name" => ("GET", "get", "?fieldSelector=metadata.name%3Dweb"),
        _ => ("GET", "get", ""),
    };
    let is_one = !asked.subresource.is_empty() || !collection.contains(&asked.verb);
    let mut url = if asked.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", asked.group) };
    if !asked.namespace.is_empty() {
        url.push_str(&format!("/namespaces/{}", asked.namespace));
    }
    url.push_str(&format!("/{}", asked.resource));
    if is_one {
        url.push_str(&format!("/{}", asked.name));
        asked.verb = verb_of_one;
    } else {
        asked.name = if asked.verb == "list by name" { "web" } else { "" };
        asked.verb = if asked.verb == "list by name" { "list" } else { asked.verb };
    }
    if !asked.subresource.is_empty() {
        url.push_str(&format!("/{}", asked.subresource));
    }
    Asked { method, url: url + query, ..asked }
}

fn path() -> impl Strategy<Value = Asked<'static>> {
    let paths = vec!["/metrics", "/logs/x", "/healthz", "/healthz/ping", "/api", "/apis/apps", "/version", "/"];
    (select(vec![("GET", "get"), ("POST", "post")]), select(paths)).prop_map(|((method, verb), path)| Asked {
        verb,
        path,
        method,
        url: path.to_owned(),
        ..Asked::default()
    })
}

fn about_oneself() -> Asked<'static> {
    let (group, resource) = ("authorization.k8s.io", "selfsubjectaccessreviews");
    written(Asked { verb: "create", group, resource, ..Asked::default() })
}

fn assumed() -> impl Strategy<Value = Assumed> {
    let service_accounts = ["system:serviceaccount:ci:bot", "system:serviceaccount:ci:Bot"];
    let users = [vec!["guest-1", "guest-2", "bob", "system:masters", "system:anonymous"], service_accounts.to_vec()];
    let extras = vec![("scope", "x"), ("scope", "guests"), ("kubegate.io/session", "x")];
    (
        select(users.concat()),
        subsequence(vec!["guests", "system:masters", "system:authenticated", "system:unauthenticated"], 0..=1),
        option::weighted(0.2, Just("uid".to_owned())),
        subsequence(extras, 0..=1),
    )
        .prop_map(|(user, groups, uid, extras)| Assumed {
            user: user.to_owned(),
            groups: groups.into_iter().map(str::to_owned).collect(),
            uid,
            extras: extras.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        })
}
