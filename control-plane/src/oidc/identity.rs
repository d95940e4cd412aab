//! From a provider's claims to an identity.

use std::collections::BTreeMap;

use kubegate_core::identity_name;
use serde_json::{Map, Value};

use super::claims::{self, find};
use super::error::IdentityError;
use crate::config::{ClaimNames, GroupSource, Provider};
use crate::person::{Identity, check_user};

/// The longest claim that is kept for the policy's rules, as JSON.
const LONGEST_CLAIM: usize = 4096;

/// Claims about the token rather than the person.
const PROTOCOL: [&str; 16] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "auth_time",
    "_claim_names",
    "_claim_sources",
    "hasgroups",
];

/// An identity, and how many groups were left out of it.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) identity: Identity,
    pub(super) groups_dropped: u64,
}

/// Maps verified claims, and groups as the provider names them, as the configuration says.
pub(super) fn map(
    provider: &Provider,
    claims: &Map<String, Value>,
    named_groups: &[Value],
) -> Result<Mapped, IdentityError> {
    let subject = text(claims, "sub")?;
    identity_name::check(&subject.replace(',', "")).map_err(|_| IdentityError::Uid("sub".to_owned()))?;
    let email = email(provider, claims);
    let user = user(provider, claims, email.as_deref())?;
    let uid = match &provider.claims.uid {
        Some(name) => Some(uid(claims, name)?),
        None => None,
    };
    let (groups, groups_dropped) = prefixed(provider, named_groups);
    Ok(Mapped {
        identity: Identity {
            provider: provider.id.clone(),
            subject,
            user,
            uid,
            email,
            groups,
            claims: kept(claims),
            acr: texts(claims.get("acr")).into_iter().next(),
            amr: texts(claims.get("amr")),
            credential: None,
        },
        groups_dropped,
    })
}

/// Whether claims that we need are not there: then the userinfo endpoint is worth a question.
pub(super) fn lacks(provider: &Provider, claims: &Map<String, Value>) -> bool {
    let ClaimNames { user, groups, email, uid } = &provider.claims;
    let groups = matches!(provider.groups, GroupSource::Claims).then_some(groups);
    provider.groups == GroupSource::UserInfo
        || [Some(user), Some(email), groups, uid.as_ref()]
            .into_iter()
            .flatten()
            .any(|name| find(claims, name).is_none())
}

/// Takes over what the userinfo endpoint says now of somebody of whom `claims` are known from before. Of the sign-in it
/// says nothing; and whether an address is verified counts only for that address.
pub(super) fn renew(claims: &mut Map<String, Value>, mut more: Map<String, Value>) {
    more.retain(|name, _| !["acr", "amr", "auth_time"].contains(&name.as_str()));
    if more.contains_key("email") && more.get("email") != claims.get("email") {
        claims.remove("email_verified");
    }
    claims.extend(more);
}

/// Adds what the userinfo endpoint says beyond the ID token. It knows the person and not the sign-in, so of that it says
/// nothing. Whether an address is verified counts only for the address that it was said of.
pub(super) fn complete(claims: &mut Map<String, Value>, mut more: Map<String, Value>) {
    more.retain(|name, _| !["acr", "amr", "auth_time"].contains(&name.as_str()));
    match claims.get("email") {
        None => drop(claims.remove("email_verified")),
        email if email != more.get("email") => drop(more.remove("email_verified")),
        _ => {}
    }
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
}

fn text(claims: &Map<String, Value>, name: &str) -> Result<String, IdentityError> {
    claims::text(claims, name).map(str::to_owned).ok_or_else(|| IdentityError::Claim(name.to_owned()))
}

/// The e-mail address, when it is verified or of a domain that the provider is trusted for.
fn email(provider: &Provider, claims: &Map<String, Value>) -> Option<String> {
    let email = claims::text(claims, &provider.claims.email)?;
    identity_name::check(email).ok()?;
    // `email_verified` is about `email`, and about no other claim.
    let verified = provider.claims.email == "email"
        && match claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            // Some providers write it as text.
            Some(Value::String(verified)) => verified == "true",
            _ => false,
        };
    let domain = email.rsplit_once('@')?.1.to_ascii_lowercase();
    (verified || provider.trust_email.contains(&domain)).then(|| email.to_owned())
}

fn user(provider: &Provider, claims: &Map<String, Value>, email: Option<&str>) -> Result<String, IdentityError> {
    let name = text(claims, &provider.claims.user)?;
    if (provider.claims.user == provider.claims.email || provider.claims.user == "email")
        && email != Some(name.as_str())
    {
        return Err(IdentityError::EmailNotVerified(name));
    }
    let user = format!("{}{name}", provider.user_prefix);
    // The name alone must not be reserved either: a prefix is no reason to let somebody look like the system.
    check_user(&name)
        .and_then(|()| check_user(&user))
        .map_err(|why| IdentityError::User { user: user.clone(), why })?;
    Ok(user)
}

fn uid(claims: &Map<String, Value>, name: &str) -> Result<String, IdentityError> {
    let uid = text(claims, name)?;
    identity_name::check(&uid).map_err(|_| IdentityError::Uid(name.to_owned()))?;
    Ok(uid)
}

/// The groups, prefixed; and how many have a name that cannot be passed on.
pub(super) fn prefixed(provider: &Provider, named: &[Value]) -> (Vec<String>, u64) {
    let mut groups = Vec::with_capacity(named.len());
    let mut dropped = 0;
    for group in named {
        let name =
            group.as_str().filter(|group| !group.is_empty()).map(|group| format!("{}{group}", provider.group_prefix));
        match name.filter(|name| identity_name::check(name).is_ok()) {
            Some(name) => groups.push(name),
            None => {
                dropped += 1;
                tracing::warn!(provider = provider.id, ?group, "a group is left out: its name cannot be passed on");
            }
        }
    }
    groups.sort_unstable();
    groups.dedup();
    (groups, dropped)
}

/// The claims about the person, for rules that ask for them.
fn kept(claims: &Map<String, Value>) -> BTreeMap<String, Value> {
    let about = claims
        .iter()
        .filter(|(name, value)| !PROTOCOL.contains(&name.as_str()) && value.to_string().len() <= LONGEST_CLAIM);
    about.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The plain texts of a claim that holds one or several.
fn texts(claim: Option<&Value>) -> Vec<String> {
    let values: Vec<&Value> = match claim {
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    };
    let texts = values.into_iter().filter_map(Value::as_str).filter(|text| identity_name::check(text).is_ok());
    texts.take(16).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{ClientAuthentication, Kind, Oidc};

    fn provider() -> Provider {
        Provider {
            id: "corp".into(),
            name: "Corp".into(),
            kind: Kind::Oidc(Oidc { issuer: "https://idp.example.com".into() }),
            client_id: "kubegate".into(),
            client_authentication: ClientAuthentication::None,
            scopes: vec![],
            claims: ClaimNames {
                user: "email".into(),
                groups: "groups".into(),
                email: "email".into(),
                uid: Some("sub".into()),
            },
            user_prefix: "corp:".into(),
            group_prefix: "corp:".into(),
            groups: GroupSource::Claims,
            scim: None,
            domains: vec![],
            trust_email: vec!["example.com".into()],
            certificate_authority: None,
            extra_parameters: vec![],
            device_flow: true,
            recheck: crate::config::Recheck::default(),
        }
    }

    fn mapped(provider: &Provider, claims: &Value) -> Result<Mapped, IdentityError> {
        let claims = claims.as_object().unwrap();
        let groups = find(claims, &provider.claims.groups).into_iter().flatten();
        let groups: Vec<Value> = groups.flat_map(claims::flattened).cloned().collect();
        map(provider, claims, &groups)
    }

    #[test]
    fn claims_become_an_identity() {
        let claims = json!({
            "sub": "1234", "email": "alice@example.org", "email_verified": true, "groups": ["b", "a", "b"],
            "department": "sre", "nonce": "n", "acr": "2", "amr": ["pwd", "otp"],
        });
        let identity = mapped(&provider(), &claims).unwrap().identity;
        assert_eq!(identity.person().as_str(), "corp:1234");
        assert_eq!((identity.user.as_str(), identity.uid.as_deref()), ("corp:alice@example.org", Some("1234")));
        assert_eq!(identity.groups, ["corp:a", "corp:b"]);
        assert_eq!(identity.claims.get("department"), Some(&json!("sre")));
        assert!(!identity.claims.contains_key("nonce"));
        assert_eq!((identity.acr.as_deref(), identity.amr.len()), (Some("2"), 2));
    }

    #[test]
    fn an_address_counts_only_when_verified_or_trusted() {
        for (email, verified, counts) in [
            ("a@example.org", json!(true), true),
            ("a@example.org", json!("true"), true),
            ("a@example.org", json!(false), false),
            ("a@example.org", json!(1), false),
            ("a@example.org", json!(null), false),
            ("a@example.com", json!(false), true),
            ("a@EXAMPLE.com", json!(null), true),
            ("a@sub.example.com", json!(null), false),
            ("example.com", json!(null), false),
        ] {
            let claims = json!({"sub": "1", "email": email, "email_verified": verified});
            assert_eq!(mapped(&provider(), &claims).is_ok(), counts, "{email} {verified}");
        }
    }

    #[test]
    fn an_address_of_another_claim_is_not_the_one_that_is_verified() {
        let mut provider = provider();
        provider.claims.email = "contact.mail".into();
        for (user, mail, expected) in [
            ("sub", "ceo@example.org", Ok(None)),
            ("sub", "carol@example.com", Ok(Some("carol@example.com"))),
            ("contact.mail", "ceo@example.org", Err(())),
            ("contact.mail", "carol@example.com", Ok(Some("carol@example.com"))),
            // `email` as the user name has to be verified whatever the address is taken from.
            ("email", "carol@example.com", Err(())),
        ] {
            provider.claims.user = user.into();
            let claims =
                json!({"sub": "1", "email": "mallory@evil.example", "email_verified": true, "contact": {"mail": mail}});
            let email = mapped(&provider, &claims).map(|mapped| mapped.identity.email);
            assert_eq!(email.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{user} {mail}");
        }
    }

    #[test]
    fn userinfo_adds_only_what_it_knows() {
        for (id_token, user_info, expected) in [
            (
                json!({}),
                json!({"email": "a@x", "email_verified": true}),
                json!({"email": "a@x", "email_verified": true}),
            ),
            (json!({"email": "a@x"}), json!({"email": "b@x", "email_verified": true}), json!({"email": "a@x"})),
            (json!({"email": "a@x"}), json!({"email_verified": true}), json!({"email": "a@x"})),
            (json!({"email_verified": true}), json!({"email": "b@x"}), json!({"email": "b@x"})),
            (
                json!({"email": "a@x"}),
                json!({"email": "a@x", "email_verified": true, "groups": []}),
                json!({"email": "a@x", "email_verified": true, "groups": []}),
            ),
            (json!({}), json!({"acr": "phr", "amr": ["hwk"], "auth_time": 1}), json!({})),
        ] {
            let mut claims = id_token.as_object().unwrap().clone();
            complete(&mut claims, user_info.as_object().unwrap().clone());
            assert_eq!(Value::Object(claims), expected, "{id_token} {user_info}");
        }
    }

    #[test]
    fn names_that_would_mislead_an_api_server_are_refused() {
        let mut provider = provider();
        provider.claims.user = "preferred_username".into();
        provider.user_prefix = String::new();
        for name in ["system:masters", "SYSTEM:admin", "a,b", "a\nb", "jos\u{e9}", " a", ""] {
            let claims = json!({"sub": "1", "preferred_username": name});
            assert!(mapped(&provider, &claims).is_err(), "{name:?}");
        }
        provider.user_prefix = "corp:".into();
        assert!(
            mapped(&provider, &json!({"sub": "1", "preferred_username": "system:x"})).is_err(),
            "behind a prefix too"
        );
        assert!(mapped(&provider, &json!({"sub": "1", "preferred_username": 7})).is_err(), "not text");
        assert!(mapped(&provider, &json!({"preferred_username": "a"})).is_err(), "no subject");
    }

    #[test]
    fn groups_that_cannot_be_passed_on_are_left_out() {
        let mut provider = provider();
        provider.claims.user = "sub".into();
        let claims = json!({"sub": "1", "groups": ["a", "b,system:masters", "c\n", "", 7, "\u{fc}"]});
        let mapped = mapped(&provider, &claims).unwrap();
        assert_eq!((mapped.identity.groups, mapped.groups_dropped), (vec!["corp:a".to_owned()], 5));
    }

    #[test]
    fn groups_may_be_nested_or_a_single_text() {
        let mut provider = provider();
        provider.claims.user = "sub".into();
        provider.claims.groups = "realm_access.roles".into();
        let nested = json!({"sub": "1", "realm_access": {"roles": ["x"]}});
        assert_eq!(mapped(&provider, &nested).unwrap().identity.groups, ["corp:x"]);
        let single = json!({"sub": "1", "realm_access.roles": "y"});
        assert_eq!(mapped(&provider, &single).unwrap().identity.groups, ["corp:y"]);
    }
}
