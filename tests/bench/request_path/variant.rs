//! What is measured side by side.

use anyhow::Result;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::Issuer;

use super::filters::Filters;
use super::load::Protocol;
use crate::company::Subject;

/// The route alone: what all others are compared with.
pub(super) const BARE: &str = "bare";

/// Envoy's own filters at their best.
pub(super) const NATIVE: &str = "native_cached";

/// The floor of what an authorization service costs.
pub(super) const EXT_AUTHZ: &str = "ext_authz_grpc";

/// Ours with a token that it has seen.
pub(super) const KUBEGATE: &str = "kubegate_cached";

/// Ours with many rules.
pub(super) const KUBEGATE_10000: &str = "kubegate_10000_rules";

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    /// Its name in the figures.
    pub(super) name: &'static str,
    /// What stands before the router.
    pub(super) filters: Filters,
    /// What is asked.
    pub(super) ask: Ask,
    /// In which protocol.
    pub(super) protocol: Protocol,
}

/// What a request asks, and who asks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ask {
    /// The subject of the company, what the last rule allows them, with the same token each time.
    Allowed,
    /// The same with another token each time.
    NewToken,
    /// The same person, what no rule allows.
    Denied,
    /// Nobody.
    Unauthenticated,
    /// The subject as a member of 50 groups.
    FiftyGroups,
}

impl Ask {
    /// The path.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Denied => "/api/v1/namespaces/kube-system/secrets?limit=500",
            _ => Subject::PATH,
        }
    }

    /// The status of the answer.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Denied => 403,
            Self::Unauthenticated => 401,
            _ => 200,
        }
    }

    /// A session token with the id `id`.
    pub(super) fn token(self, issuer: &Issuer, id: &str) -> Result<String> {
        let claims = Subject::claims(issuer);
        // It outlives the run.
        let mut claims = SessionClaims { exp: claims.session_exp, jti: id.to_owned(), ..claims };
        if self == Self::FiftyGroups {
            claims.groups.extend((claims.groups.len()..50).map(|number| format!("a-group-of-the-company-{number:02}")));
        }
        Ok(issuer.token_key.sign(SESSION_TYPE, &claims)?)
    }
}

/// All of them, in the order of the table.
pub(super) const VARIANTS: [Variant; 17] = [
    over_http1(BARE, Filters::None, Ask::Allowed),
    over_http1("header_mutation", Filters::HeaderMutation, Ask::Allowed),
    over_http1("wasm_noop", Filters::Noop, Ask::Allowed),
    over_http1(NATIVE, Filters::Native { cache: true, rules: 10 }, Ask::Allowed),
    over_http1("native_uncached", Filters::Native { cache: false, rules: 10 }, Ask::Allowed),
    over_http1("native_cached_1000", Filters::Native { cache: true, rules: 1000 }, Ask::Allowed),
    over_http1(EXT_AUTHZ, Filters::ExtAuthz, Ask::Allowed),
    over_http1(KUBEGATE, Filters::Kubegate { rules: 10 }, Ask::Allowed),
    over_http1("kubegate_cold", Filters::Kubegate { rules: 10 }, Ask::NewToken),
    over_http1("kubegate_denied", Filters::Kubegate { rules: 10 }, Ask::Denied),
    over_http1("kubegate_unauthenticated", Filters::Kubegate { rules: 10 }, Ask::Unauthenticated),
    over_http1("kubegate_1000_rules", Filters::Kubegate { rules: 1000 }, Ask::Allowed),
    over_http1(KUBEGATE_10000, Filters::Kubegate { rules: 10_000 }, Ask::Allowed),
    over_http1("kubegate_50_groups", Filters::Kubegate { rules: 10 }, Ask::FiftyGroups),
    over_http2("bare_h2", Filters::None),
    over_http2("native_cached_h2", Filters::Native { cache: true, rules: 10 }),
    over_http2("kubegate_cached_h2", Filters::Kubegate { rules: 10 }),
];

const fn over_http1(name: &'static str, filters: Filters, ask: Ask) -> Variant {
    Variant { name, filters, ask, protocol: Protocol::Http1 }
}

const fn over_http2(name: &'static str, filters: Filters) -> Variant {
    Variant { name, filters, ask: Ask::Allowed, protocol: Protocol::Http2 }
}
