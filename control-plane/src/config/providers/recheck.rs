//! `providers[].recheck` and `logoutAtProvider`: how a provider is asked again about the people who signed in there, and what
//! happens there when they sign out.

use std::time::Duration;

use kubegate_core::document::{Fields, Node};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The fields of this section.
const FIELDS: [&str; 4] = ["every", "grace", "withoutRefreshToken", "offlineAccess"];

/// How a provider is asked again about the people who signed in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recheck {
    /// How often it is asked about each sign-in, at most.
    pub every: Duration,
    /// How long sessions go on while it cannot be asked.
    pub grace: Duration,
    /// What is done about sign-ins for which it gives no refresh token.
    pub without_refresh_token: WithoutRefreshToken,
    /// Whether the scope `offline_access` is asked for. Some give no refresh token without it, others give one that outlives
    /// a logout there because of it.
    pub offline_access: bool,
    /// Whether people who sign out here are led to its own logout, when its discovery document has one.
    pub logout_at_provider: bool,
}

/// What is done about a sign-in for which the provider gave no refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutRefreshToken {
    /// Its sessions last as long as any.
    Keep,
    /// The userinfo endpoint is asked, with the access token of the sign-in; its sessions end when that is no longer taken.
    Userinfo,
    /// Its sessions end this long after the sign-in.
    EndAfter(Duration),
}

impl Default for Recheck {
    fn default() -> Self {
        Self {
            every: 10 * MINUTE,
            grace: HOUR,
            without_refresh_token: WithoutRefreshToken::Keep,
            offline_access: false,
            logout_at_provider: true,
        }
    }
}

/// Reads both from the fields of a provider. GitHub gives access tokens that do not end, and nothing else to ask it with.
pub(super) fn read(provider: &Fields<'_>, github: bool) -> Option<Recheck> {
    let mut defaults = Recheck::default();
    if github {
        defaults.without_refresh_token = WithoutRefreshToken::Userinfo;
    }
    let logout_at_provider = match provider.get("logoutAtProvider") {
        Some(node) => node.boolean(),
        None => Some(defaults.logout_at_provider),
    };
    let Some(node) = provider.get("recheck") else {
        return Some(Recheck { logout_at_provider: logout_at_provider?, ..defaults });
    };
    let fields = node.fields(&FIELDS)?;
    let duration = |name, range, default| match fields.get(name) {
        Some(node) => node.duration(range),
        None => Some(default),
    };
    let every = duration("every", 10 * SECOND..=DAY, defaults.every);
    let grace = duration("grace", Duration::ZERO..=DAY, defaults.grace);
    let without_refresh_token = match fields.get("withoutRefreshToken") {
        Some(node) => without_refresh_token(&node),
        None => Some(defaults.without_refresh_token),
    };
    let offline_access = match fields.get("offlineAccess") {
        Some(node) => node.boolean(),
        None => Some(defaults.offline_access),
    };
    Some(Recheck {
        every: every?,
        grace: grace?,
        without_refresh_token: without_refresh_token?,
        offline_access: offline_access?,
        logout_at_provider: logout_at_provider?,
    })
}

fn without_refresh_token(node: &Node<'_>) -> Option<WithoutRefreshToken> {
    match node.non_empty_text()? {
        "keep" => Some(WithoutRefreshToken::Keep),
        "userinfo" => Some(WithoutRefreshToken::Userinfo),
        text if text.starts_with(|c: char| c.is_ascii_digit()) => {
            node.duration(MINUTE..=30 * DAY).map(WithoutRefreshToken::EndAfter)
        }
        text => {
            node.report(
                format!("{text:?} says nothing about sign-ins without a refresh token"),
                "write keep, userinfo, or after how long their sessions end, such as 1h",
            );
            None
        }
    }
}
