//! `workloads`: the issuers whose tokens machines show instead of signing in.

use std::collections::BTreeSet;
use std::time::Duration;

use kubegate_core::document::{Fields, Node};
use kubegate_core::identity_name;
use kubegate_core::pattern::Pattern;
use url::Url;

use super::issuer::is_loopback;
use super::{Surroundings, each, source};
use crate::workload::{ClaimMatch, IssuedBy, KeySource, Rule, Settings, Template};

/// The fields of an issuer.
const FIELDS: [&str; 12] = [
    "id",
    "issuer",
    "trustDomain",
    "jwksUri",
    "jwksFile",
    "certificateAuthority",
    "audience",
    "userPrefix",
    "groupPrefix",
    "maxTokenLifetime",
    "requiredClaims",
    "rules",
];

/// The fields of a rule.
const RULE: [&str; 4] = ["match", "user", "groups", "clusters"];

/// Claims that are checked anyway, and tell nobody apart.
const ANYWAY: [&str; 6] = ["iss", "aud", "exp", "iat", "nbf", "jti"];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Reads `workloads`.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Vec<Settings>> {
    let (mut ids, mut audiences) = (BTreeSet::new(), BTreeSet::new());
    each(node, |node| {
        let settings = one(node, surroundings)?;
        if !ids.insert(settings.id.clone()) {
            let id = &settings.id;
            node.report(format!("there are two issuers of workloads with the id {id:?}"), "give each its own id");
            return None;
        }
        if !audiences.insert(settings.audience.clone()) {
            let audience = &settings.audience;
            node.report(
                format!("the audience {audience:?} is that of another issuer too"),
                "give each an audience of its own, such as https://kubegate.example.com/workloads/ID",
            );
            return None;
        }
        Some(settings)
    })
}

fn one(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Settings> {
    let fields = node.fields(&FIELDS)?;
    let id = fields.require("id").and_then(|node| source::id(&node));
    let issued_by = issued_by(&fields);
    let keys = keys(&fields, surroundings);
    let certificate_authority = match fields.get("certificateAuthority") {
        Some(node) => source::certificates(&node, surroundings, "issuer").map(Some),
        None => Some(None),
    };
    let audience = fields.require("audience").and_then(|node| Some(node.non_empty_text()?.to_owned()));
    let user_prefix = fields.require("userPrefix").and_then(|node| prefix(&node));
    let group_prefix = match fields.get("groupPrefix") {
        Some(node) => prefix(&node),
        None => user_prefix.clone(),
    };
    let max_token_lifetime = match fields.get("maxTokenLifetime") {
        Some(node) => node.duration(MINUTE..=24 * HOUR),
        None => Some(HOUR),
    };
    let required = fields.require("requiredClaims").and_then(|node| required(&node));
    let rules = fields.require("rules").and_then(|node| rules(&node, group_prefix.as_deref()));
    Some(Settings {
        id: id?,
        issued_by: issued_by?,
        keys: keys?,
        certificate_authority: certificate_authority?,
        audience: audience?,
        user_prefix: user_prefix?,
        group_prefix: group_prefix?,
        max_token_lifetime: max_token_lifetime?,
        required: required?,
        rules: rules?,
    })
}

/// A prefix that says something.
fn prefix(node: &Node<'_>) -> Option<String> {
    node.non_empty_text()?;
    source::prefix(node)
}

fn issued_by(fields: &Fields<'_>) -> Option<IssuedBy> {
    match (fields.get("issuer"), fields.get("trustDomain")) {
        (Some(node), None) => Some(IssuedBy::Issuer(node.non_empty_text()?.to_owned())),
        (None, Some(node)) => trust_domain(&node).map(IssuedBy::TrustDomain),
        _ => {
            fields.node().report(
                "needs issuer or trustDomain, and not both",
                "write the iss of its tokens as issuer; of a SPIFFE trust domain, its name as trustDomain",
            );
            None
        }
    }
}

fn trust_domain(node: &Node<'_>) -> Option<String> {
    let name = node.non_empty_text()?;
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if !name.bytes().all(known) {
        node.report(format!("{name:?} is not a trust domain"), "write it like prod.example.com, without spiffe://");
        return None;
    }
    Some(name.to_owned())
}

fn keys(fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<KeySource> {
    match (fields.get("jwksUri"), fields.get("jwksFile")) {
        (Some(node), Some(_)) => {
            node.report("stands beside jwksFile", "keep one of the two");
            None
        }
        (Some(node), None) => url(&node).map(KeySource::Url),
        (None, Some(node)) => {
            let text = surroundings.content(&node)?;
            let known = serde_json::from_str::<openidconnect::core::CoreJsonWebKeySet>(&text);
            if known.is_err() {
                node.report("the file holds no JWK set", "put the issuer's keys there, as {\"keys\": […]}");
                return None;
            }
            surroundings.path(&node).map(KeySource::File)
        }
        (None, None) => {
            let Some(node) = fields.get("issuer") else {
                let remedy = "name the keys of the trust domain with jwksUri or jwksFile";
                fields.get("trustDomain")?.report("has no discovery", remedy);
                return None;
            };
            url(&node).map(KeySource::Discovery)
        }
    }
}

/// A URL to fetch from.
fn url(node: &Node<'_>) -> Option<String> {
    let text = node.non_empty_text()?;
    let allowed =
        Url::parse(text).is_ok_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)));
    if !allowed {
        node.report(
            format!("{text:?} is no URL on https, so its keys cannot be fetched"),
            "use https (http is for loopback addresses only), or name the keys with jwksUri or jwksFile",
        );
        return None;
    }
    Some(text.to_owned())
}

/// The claims that every token must have: what says whose they are, at an issuer that serves everybody.
fn required(node: &Node<'_>) -> Option<Vec<ClaimMatch>> {
    let claims = claims(node)?;
    if claims.is_empty() {
        node.report(
            "requires no claim, so everybody whom the issuer serves could come in",
            "require what says that a token is yours, such as {repository_owner: acme}",
        );
        return None;
    }
    for claim in &claims {
        if ANYWAY.contains(&claim.claim.as_str()) {
            let name = &claim.claim;
            node.report(format!("{name} is checked anyway"), "require a claim that says that a token is yours");
            return None;
        }
        if claim.values.iter().any(|value| value.as_str().bytes().all(|byte| byte == b'*')) {
            let name = &claim.claim;
            node.report(format!("{name} may have any value"), "write the values that are yours");
            return None;
        }
    }
    Some(claims)
}

fn claims(node: &Node<'_>) -> Option<Vec<ClaimMatch>> {
    let fields = node.mapping()?;
    let read: Vec<Option<ClaimMatch>> = fields
        .all()
        .map(|(claim, node)| {
            if claim.is_empty() {
                node.report("has no name", "name a claim, or a path of names joined by dots");
                return None;
            }
            let values = values(&node)?;
            if values.is_empty() {
                node.report("has no value, so no token fits", "write a value, or a list of them");
                return None;
            }
            Some(ClaimMatch { claim: claim.to_owned(), values })
        })
        .collect();
    read.into_iter().collect()
}

/// One value or a list of them: texts, numbers, booleans.
fn values(node: &Node<'_>) -> Option<Vec<Pattern>> {
    let value = |node: &Node<'_>| {
        Some(Pattern::from(match node.scalar()? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    };
    if node.value()?.is_array() { each(node, value) } else { Some(vec![value(node)?]) }
}

fn rules(node: &Node<'_>, group_prefix: Option<&str>) -> Option<Vec<Rule>> {
    let rules = each(node, |node| rule(node, group_prefix))?;
    if rules.is_empty() {
        node.report("has no rule, so no token is taken", "add one, such as {user: \"{sub}\"}");
        return None;
    }
    Some(rules)
}

fn rule(node: &Node<'_>, group_prefix: Option<&str>) -> Option<Rule> {
    let fields = node.fields(&RULE)?;
    let matches = fields.get("match").map_or(Some(Vec::new()), |node| claims(&node));
    let user = fields.require("user").and_then(|node| {
        let template = Template::parse(node.non_empty_text()?);
        template.map_err(|error| node.report(error.to_string(), "write it like \"{namespace}/{name}\"")).ok()
    });
    let groups = fields.get("groups").map_or(Some(Vec::new()), |node| {
        each(&node, |node| {
            let group = format!("{}{}", group_prefix.unwrap_or_default(), node.non_empty_text()?);
            identity_name::check(&group).map_err(|error| node.report(error.to_string(), "choose another name")).ok()?;
            Some(group)
        })
    });
    let clusters = fields.get("clusters").map_or(Some(Vec::new()), |node| {
        let clusters = each(&node, |node| node.non_empty_text().map(Pattern::from))?;
        if clusters.is_empty() {
            node.report("names no cluster, so no token is given", "name some, or leave the field out for all");
            return None;
        }
        Some(clusters)
    });
    Some(Rule { matches: matches?, user: user?, groups: groups?, clusters: clusters? })
}
