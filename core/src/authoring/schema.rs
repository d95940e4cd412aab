//! The shape of a policy file, as a JSON Schema (draft 2020-12), so that an editor completes fields, explains them and
//! underlines mistakes.
//!
//! No policy is read into these types: [`super::parse`] says better what is wrong, and more of it. A test of the control
//! plane takes both through every field, and fails when one knows what the other does not. What the comments below say
//! is what an editor shows. What a field may leave out stands `inline`, or editors would show the comment of its type
//! instead of its own.
#![expect(dead_code, reason = "it is the shape of these types that counts; nobody makes values of them")]

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::rules::{LONGEST_ACR, METHODS, MOST_ACR, VERBS};
use crate::condition::MAX_TEXT;
use crate::identity_name::MAX_LENGTH;

/// The schema of a policy file.
#[must_use]
pub fn policy() -> Value {
    of::<Policy>()
}

/// The schema of a file of the shape of `T`.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(unwrap_lines).transform(&mut schema);
    schema.to_value()
}

/// For `anyOf`: all fields of one of the sets are there, and not empty.
#[must_use]
pub fn any_present(sets: &[&[&str]]) -> Vec<Value> {
    let filled = |field: &&str| ((*field).to_owned(), json!({"not": {"type": "null"}}));
    let present = |set: &&[&str]| json!({"required": set, "properties": set.iter().map(filled).collect::<Value>()});
    sets.iter().map(present).collect()
}

/// Comments are wrapped where the source is; an editor wraps them where its window is.
fn unwrap_lines(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
}

/// A Kubegate policy: which clusters there are, and who may do what on them. What no rule allows is refused.
#[derive(JsonSchema)]
#[schemars(title = "Kubegate policy", rename_all = "camelCase", deny_unknown_fields)]
struct Policy {
    /// The clusters: Kubernetes API servers that people reach through Kubegate.
    #[schemars(length(min = 1))]
    clusters: Vec<Cluster>,
    /// The names of the groups that rules may name, after the provider's own prefix. With this list, a misspelt group in
    /// a rule is a mistake, and a group that no rule uses a warning; without it, any name is taken.
    groups: Option<Vec<Group>>,
    /// The rules. What none allows is refused, and what one denies no other allows. The first that allows or denies a
    /// request is the one that is recorded.
    rules: Vec<Rule>,
}

/// A Kubernetes API server that people reach through Kubegate.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Cluster {
    /// Its name, unique in the policy: the audience of the cluster's session tokens, and what its Envoy route matches on.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"))]
    name: String,
    /// The hosts under which clients reach it through Envoy, without scheme and port. Each belongs to one cluster.
    #[schemars(length(min = 1), inner(regex(pattern = r"^[A-Za-z0-9._-]+$|^\[")))]
    hosts: Vec<String>,
    /// The URL that kubeconfigs name; its host is one of `hosts`.
    #[schemars(regex(pattern = r"^https://[!-.0-~][!-~]*$"))]
    server: String,
    /// A PEM file beside the policy, with the certificate authority that clients check `server` with.
    #[schemars(length(min = 1))]
    certificate_authority: Option<String>,
    /// Instead of `certificateAuthority`: base64 of that PEM file, as in a kubeconfig.
    #[schemars(length(min = 1))]
    certificate_authority_data: Option<String>,
}

/// Who may, or may not, do what on which clusters, and what becomes of their groups.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = any_present(&[&["may"], &["deny"], &["groups"]])))]
struct Rule {
    /// Its name, unique in the policy. It stands in the access log and in what `kubegate policy explain` prints.
    #[schemars(regex(pattern = NAME), length(max = MAX_LENGTH))]
    name: String,
    /// Whom it concerns.
    who: Who,
    /// On which clusters: names, and globs such as `prod-*`.
    #[schemars(length(min = 1))]
    clusters: Vec<Glob>,
    /// What they may do.
    may: Option<Vec<Grant>>,
    /// What they may not do, whatever any rule allows. With `kubectl --as`, the real person is judged.
    deny: Option<Vec<Grant>>,
    /// When `may` and `deny` count: a condition in CEL, such as `request.namespace.startsWith("dev-")`.
    #[schemars(length(min = 1, max = MAX_TEXT))]
    when: Option<String>,
    /// How long ago the person may have signed in for `may` to count, such as `15m`. Who signed in earlier is told to do
    /// so again.
    auth_max_age: Option<Duration>,
    /// Authentication context classes of the identity provider, one of which the sign-in must have for `may` to count.
    /// Who has another is told to sign in with one of these.
    #[schemars(length(max = MOST_ACR), inner(regex(pattern = r"^[A-Za-z0-9:/._~+%@-]+$"), length(max = LONGEST_ACR)))]
    acr: Option<Vec<String>>,
    /// `true`: what `deny` is about is let pass and only said in the access log, to try the rule out.
    audit_only: Option<bool>,
    /// What becomes of their groups on the way to the API server. The result is the union over all rules that concern the
    /// person on the cluster; without `pass` and `prefix` in any of them, all groups are passed on.
    groups: Option<GroupMapping>,
}

/// Whom something concerns: those that any of `users`, `emails`, `domains` and `groups` names, provided that they have
/// all of `claims`. With `claims` alone, these alone decide.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields, extend("minProperties" = 1))]
pub struct Who {
    /// User names. `["*"]` is everybody who is signed in.
    #[schemars(length(min = 1))]
    users: Option<Vec<Glob>>,
    /// Verified e-mail addresses.
    #[schemars(length(min = 1))]
    emails: Option<Vec<Glob>>,
    /// Domains of verified e-mail addresses.
    #[schemars(length(min = 1))]
    domains: Option<Vec<Glob>>,
    /// Groups, as the identity provider names them, after the provider's own prefix.
    #[schemars(length(min = 1))]
    groups: Option<Vec<Glob>>,
    /// Claims by name, each with the values of which the person has to have one: `{department: [sre, ops]}`.
    claims: Option<BTreeMap<String, ClaimValues>>,
}

/// Values of a claim, one of which the person has to have.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct ClaimValues(#[schemars(length(min = 1))] Vec<Scalar>);

/// A plain value.
#[derive(JsonSchema)]
#[schemars(extend("type" = ["string", "number", "boolean"]))]
struct Scalar(Value);

/// An entry of `may` or `deny`, in the words of a Kubernetes RBAC rule. It is about resources (`apiGroups` and
/// `resources`) or about paths (`nonResourceURLs`).
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = any_present(&[&["apiGroups", "resources"], &["nonResourceURLs"]])))]
struct Grant {
    /// Verbs; for paths the method in lower case. `exec`, `attach`, `portforward` and `proxy` are judged as `create`.
    #[schemars(length(min = 1))]
    verbs: Vec<Verb>,
    /// API groups; `""` is the core group.
    #[schemars(length(min = 1))]
    api_groups: Option<Vec<Glob>>,
    /// Resources: `pods`, `pods/log`, `pods/*` (all subresources), `*/scale`; `*` is everything, subresources included. A
    /// glob stays within its half: `pod*` does not reach `pods/exec`.
    #[schemars(length(min = 1))]
    resources: Option<Vec<Glob>>,
    /// Only requests in these namespaces. Left out: all of them, and what stands outside of namespaces.
    #[schemars(length(min = 1))]
    namespaces: Option<Vec<Glob>>,
    /// Only objects with these names. Left out: all. A `list` or `watch` has a name when its field selector asks for one.
    #[schemars(length(min = 1))]
    names: Option<Vec<Glob>>,
    /// Paths outside of the resource API, such as `/metrics` or `/healthz/*`.
    #[schemars(rename = "nonResourceURLs", length(min = 1), inner(regex(pattern = r"^[/*]")))]
    non_resource_urls: Option<Vec<String>>,
}

/// What becomes of a person's groups on the way to the API server.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
struct GroupMapping {
    /// Which of them are passed on. One that begins with `system:` has to be named in full.
    pass: Option<Vec<Glob>>,
    /// What is put before each that is passed on.
    prefix: Option<String>,
    /// Groups that are added.
    extra: Option<Vec<GroupName>>,
}

/// A text in which `*` stands for any run of characters.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Glob(String);

/// The name of a group that API servers see: visible ASCII without commas.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct GroupName(#[schemars(regex(pattern = NAME), length(max = MAX_LENGTH))] String);

/// The name of a group, in full.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Group(#[schemars(regex(pattern = NAME_WITHOUT_STAR), length(max = MAX_LENGTH))] String);

/// A duration such as `90s`, `10m`, `12h` or `1h30m`.
#[derive(JsonSchema)]
#[schemars(inline, transparent)]
pub struct Duration(#[schemars(regex(pattern = r"^([0-9]+[smhd])+$"))] String);

/// Visible ASCII without commas, and with blanks only inside; see [`crate::identity_name`].
const NAME: &str = r"^[!-+\--~]([ -+\--~]*[!-+\--~])?$";
const NAME_WITHOUT_STAR: &str = r"^[!-)+\--~]([ -)+\--~]*[!-)+\--~])?$";

/// A verb of the Kubernetes API, or for paths a method in lower case; `*` stands for any run of characters.
#[derive(JsonSchema)]
#[schemars(transparent, extend("anyOf" = [{"enum": verbs()}, {"pattern": "\\*"}]))]
struct Verb(String);

fn verbs() -> Vec<&'static str> {
    let methods = METHODS.into_iter().filter(|method| !VERBS.contains(method));
    VERBS.into_iter().chain(methods).collect()
}
