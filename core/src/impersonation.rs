//! Kubernetes impersonation: the headers that say as whom a request is made
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation>).

use std::fmt::Write as _;

use crate::identity_name::{self, InvalidName};
use crate::request::escape;
use crate::token::SessionClaims;

/// The group of everybody who proved who they are. Older API servers add it only when no group was sent.
pub const AUTHENTICATED: &str = "system:authenticated";

/// The group of those who did not; never passed on.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The user of those who did not; never assumed.
pub const ANONYMOUS: &str = "system:anonymous";

/// Extra keys with this prefix are Kubegate's own; a client cannot set them.
pub const EXTRA_PREFIX: &str = "kubegate.io/";

/// The extras that every request carries, besides [`EXTRA_REAL_USER`]. The service account's ClusterRole must name each
/// as `userextras/<key>`; a wildcard does not match there.
pub const EXTRAS: [&str; 4] =
    ["kubegate.io/session", "kubegate.io/cluster", "kubegate.io/provider", "kubegate.io/auth-time"];

/// The extra that names the real person of a request made with `kubectl --as`.
pub const EXTRA_REAL_USER: &str = "kubegate.io/real-user";

/// The prefix of a service account's user name.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// A header to set: lower-case name and value.
pub type Header = (String, String);

/// The headers under which a person's own requests are made.
#[must_use]
pub fn own_headers(claims: &SessionClaims, groups: &[String]) -> Vec<Header> {
    let mut headers = vec![("impersonate-user".to_owned(), claims.user.clone())];
    headers.extend(group_headers(groups.iter().map(String::as_str)));
    if let Some(uid) = &claims.uid {
        headers.push(("impersonate-uid".to_owned(), uid.clone()));
    }
    headers.extend(context_headers(claims));
    headers
}

/// The headers under which `kubectl --as` is made: the assumed user, and the real person in an extra.
#[must_use]
pub fn assumed_headers(claims: &SessionClaims, assumed: &Assumed) -> Vec<Header> {
    let mut headers = vec![("impersonate-user".to_owned(), assumed.user.clone())];
    let own_groups = match service_account(&assumed.user) {
        Some((namespace, _)) if assumed.groups.is_empty() => {
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
        }
        _ => Vec::new(),
    };
    headers.extend(group_headers(assumed.groups.iter().chain(&own_groups).map(String::as_str)));
    if let Some(uid) = &assumed.uid {
        headers.push(("impersonate-uid".to_owned(), uid.clone()));
    }
    headers.extend(assumed.extras.iter().map(|(key, value)| extra_header(key, value)));
    headers.extend(context_headers(claims));
    headers.push(extra_header(EXTRA_REAL_USER, &claims.user));
    headers
}

fn group_headers<'a>(groups: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Header> {
    let others = groups.filter(|group| *group != AUTHENTICATED && *group != UNAUTHENTICATED);
    others.chain([AUTHENTICATED]).map(|group| ("impersonate-group".to_owned(), group.to_owned()))
}

fn context_headers(claims: &SessionClaims) -> impl Iterator<Item = Header> {
    let auth_time = claims.auth_time.seconds().to_string();
    let values = [claims.sid.as_str(), claims.aud.as_str(), &claims.provider, &auth_time].map(str::to_owned);
    EXTRAS.into_iter().zip(values).map(|(key, value)| extra_header(key, &value))
}

fn extra_header(key: &str, value: &str) -> Header {
    let mut name = String::from("impersonate-extra-");
    for byte in key.bytes() {
        // RFC 9110 token characters stand for themselves, but for the percent sign.
        if byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte) {
            name.push(char::from(byte.to_ascii_lowercase()));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
    (name, value.to_owned())
}

/// Namespace and name of a service account's user name (`k8s.io/apiserver/pkg/authentication/serviceaccount`,
/// `SplitUsername`): a DNS label and a DNS subdomain.
#[must_use]
pub fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    let dns = |text: &str, more: &[u8]| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte);
        let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        text.bytes().all(inner) && ends(text.bytes().next()) && ends(text.bytes().last())
    };
    (dns(namespace, b"-") && dns(name, b"-.")).then_some((namespace, name))
}

/// Whom a client asks to be (`kubectl --as`, `--as-group`, `--as-uid`, `--as-user-extra`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// The user.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
    /// The uid.
    pub uid: Option<String>,
    /// Extras: decoded lower-case key and value, one entry a value.
    pub extras: Vec<(String, String)>,
}

/// Why a request to be somebody else cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssumption {
    /// Groups, uid or extras without a user.
    #[error("groups, a uid or extras are asked for without a user to impersonate")]
    NoUser,
    /// A header stands twice that may stand once.
    #[error("the header {0} stands more than once")]
    Repeated(&'static str),
    /// A header that impersonation does not know, or in a spelling that it does not know.
    #[error("the header {0:?} is not one of Kubernetes' impersonation headers")]
    UnknownHeader(String),
    /// A value is no text that may be handed on.
    #[error("the value of {header} {problem}")]
    Value {
        /// The header.
        header: String,
        /// What is wrong with its value.
        problem: InvalidName,
    },
    /// An extra key is empty or badly encoded.
    #[error("the extra key of {0:?} cannot be decoded")]
    ExtraKey(String),
}

/// Collects a client's impersonation headers.
#[derive(Debug, Default)]
pub struct AssumedBuilder {
    assumed: Assumed,
    user: Option<String>,
    any: bool,
}

impl AssumedBuilder {
    /// Takes one header whose lower-case name begins with `impersonate-`.
    ///
    /// # Errors
    /// When it is not one of Kubernetes', or its value cannot be handed on.
    pub fn add(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidAssumption> {
        self.any = true;
        let problem = |problem| InvalidAssumption::Value { header: name.to_owned(), problem };
        let value = str::from_utf8(value).map_err(|_| problem(InvalidName::Character))?;
        if name == "impersonate-user" && value.is_empty() {
            return Ok(());
        }
        if let Some(key) = name.strip_prefix("impersonate-extra-") {
            let key = decode_key(key).ok_or_else(|| InvalidAssumption::ExtraKey(name.to_owned()))?;
            if value.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
                return Err(problem(InvalidName::Character));
            }
            self.assumed.extras.push((key, value.to_owned()));
            return Ok(());
        }
        identity_name::check(value).map_err(problem)?;
        match name {
            "impersonate-user" => set_once(&mut self.user, value, "impersonate-user"),
            "impersonate-uid" => set_once(&mut self.assumed.uid, value, "impersonate-uid"),
            "impersonate-group" => {
                self.assumed.groups.push(value.to_owned());
                Ok(())
            }
            _ => Err(InvalidAssumption::UnknownHeader(name.to_owned())),
        }
    }

    /// Whom the client asks to be; `None` when it does not ask.
    ///
    /// # Errors
    /// When anything is asked for without a user.
    pub fn build(self) -> Result<Option<Assumed>, InvalidAssumption> {
        let assumed = self.assumed;
        match self.user {
            Some(user) => Ok(Some(Assumed { user, ..assumed })),
            None if assumed == Assumed::default() => Ok(None),
            None => Err(InvalidAssumption::NoUser),
        }
    }
}

fn set_once(slot: &mut Option<String>, value: &str, name: &'static str) -> Result<(), InvalidAssumption> {
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(InvalidAssumption::Repeated(name)),
    }
}

/// The API server's `unescapeExtraKey`: percent-decoded and in lower case.
fn decode_key(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            bytes.push(escape(&mut rest)?);
        } else {
            bytes.push(byte);
        }
    }
    let key = String::from_utf8(bytes).ok()?.to_lowercase();
    (!key.is_empty() && key.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'%')).then_some(key)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn build(headers: &[(&str, &str)]) -> Result<Option<Assumed>, InvalidAssumption> {
        let mut builder = AssumedBuilder::default();
        for (name, value) in headers {
            builder.add(name, value.as_bytes())?;
        }
        builder.build()
    }

    #[test]
    fn questions_to_be_somebody_else() {
        assert_eq!(build(&[]), Ok(None));
        assert_eq!(build(&[("impersonate-user", "")]), Ok(None));
        let assumed = build(&[
            ("impersonate-user", "bob"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-uid", "7"),
            ("impersonate-extra-acme.com%2fproject", "x, y"),
        ]);
        let expected = Assumed {
            user: "bob".to_owned(),
            groups: vec!["a".to_owned(), "b".to_owned()],
            uid: Some("7".to_owned()),
            extras: vec![("acme.com/project".to_owned(), "x, y".to_owned())],
        };
        assert_eq!(assumed, Ok(Some(expected)));
    }

    #[test]
    fn hostile_questions() {
        for headers in [
            vec![("impersonate-group", "system:masters")],
            vec![("impersonate-user", ""), ("impersonate-uid", "7")],
            vec![("impersonate-user", "a"), ("impersonate-user", "b")],
            vec![("impersonate-user", "a"), ("impersonate-group", "x,system:masters")],
            vec![("impersonate-user", "a"), ("impersonate-foo", "x")],
            vec![("impersonate-user", "a\nb")],
            vec![("impersonate-user", "a"), ("impersonate-extra-", "x")],
            vec![("impersonate-user", "a"), ("impersonate-extra-%zz", "x")],
        ] {
            assert!(build(&headers).is_err(), "{headers:?}");
        }
        assert!(AssumedBuilder::default().add("impersonate-user", b"\xff").is_err());
    }

    #[test]
    fn extra_keys_are_encoded() {
        assert_eq!(extra_header("kubegate.io/session", "s").0, "impersonate-extra-kubegate.io%2fsession");
    }

    #[test]
    fn service_accounts() {
        assert_eq!(service_account("system:serviceaccount:ns:x"), Some(("ns", "x")));
        assert_eq!(service_account("system:serviceaccount:ns"), None);
        assert_eq!(service_account("system:serviceaccount::x"), None);
        assert_eq!(service_account("system:serviceaccount:CI:bot"), None);
        assert_eq!(service_account("system:serviceaccount:ns:a:b"), None);
        assert_eq!(service_account("alice"), None);
    }
}
