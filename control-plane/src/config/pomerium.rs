//! `pomerium`: whether pomerium-cli works with Kubegate, and how long its tokens live.

use std::ops::RangeInclusive;
use std::time::Duration;

use kubegate_core::document::{Fields, Node};
use kubegate_core::identity_name;
use kubegate_core::pattern::{Pattern, any_matches};

use super::providers::Provider;
use crate::accounts::Account;
use crate::person::check_user;
use crate::workload;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long tokens of service accounts may live by default.
const SERVICE_ACCOUNTS: Duration = Duration::from_secs(90 * 24 * 3600);

/// The fields of this section.
const FIELDS: [&str; 4] = ["enabled", "clusters", "maxLifetime", "serviceAccounts"];

/// How pomerium-cli may work with Kubegate.
#[derive(Clone, Debug)]
pub struct Pomerium {
    /// The clusters that take its tokens.
    pub clusters: Vec<Pattern>,
    /// How long after the sign-in a token ends.
    pub max_lifetime: Duration,
    /// Whether and how there are service accounts.
    pub service_accounts: Option<ServiceAccounts>,
}

/// How there are service accounts.
#[derive(Clone, Debug)]
pub struct ServiceAccounts {
    /// What every user name of one begins with, and no other.
    pub user_prefix: String,
    /// How long a token may live.
    pub max_lifetime: Duration,
}

impl Pomerium {
    /// Whether a cluster takes tokens of pomerium-cli.
    #[must_use]
    pub fn is_on(&self, cluster: &str) -> bool {
        any_matches(&self.clusters, cluster)
    }

    /// The longest life of any token.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let of_accounts = self.service_accounts.as_ref().map(|accounts| accounts.max_lifetime);
        of_accounts.map_or(self.max_lifetime, |longest| longest.max(self.max_lifetime))
    }
}

/// Reads `pomerium`; `Some(None)` when it is off. `longest` is the longest life of a session.
#[expect(clippy::option_option, reason = "off and wrong are two things")]
pub(super) fn read(node: Option<&Node<'_>>, longest: Option<Duration>) -> Option<Option<Pomerium>> {
    let Some(node) = node else {
        return Some(None);
    };
    let fields = node.fields(&FIELDS)?;
    let enabled = fields.require("enabled").and_then(|node| node.boolean());
    let clusters = match fields.get("clusters") {
        Some(node) => clusters(&node),
        None => Some(vec![Pattern::from("*")]),
    };
    let max_lifetime = lifetime(&fields, MINUTE..=30 * DAY, longest.unwrap_or(30 * DAY));
    let too_long = max_lifetime.is_some_and(|lifetime| longest.is_some_and(|longest| lifetime > longest));
    if too_long && let Some(node) = fields.get("maxLifetime") {
        node.report("is longer than a session lives", "shorten it, or lengthen sessions.maxLifetime");
        return None;
    }
    let service_accounts = match fields.get("serviceAccounts") {
        Some(node) => service_accounts(&node).map(Some),
        None => Some(None),
    };
    let settings = Pomerium { clusters: clusters?, max_lifetime: max_lifetime?, service_accounts: service_accounts? };
    Some(enabled?.then_some(settings))
}

fn clusters(node: &Node<'_>) -> Option<Vec<Pattern>> {
    let names = node.texts()?;
    if names.is_empty() {
        node.report("is empty", "name the clusters, or leave it out for all of them");
        return None;
    }
    Some(names.into_iter().map(Pattern::from).collect())
}

fn service_accounts(node: &Node<'_>) -> Option<ServiceAccounts> {
    let fields = node.fields(&["userPrefix", "maxLifetime"])?;
    let user_prefix = fields.require("userPrefix").and_then(|node| {
        let prefix = node.non_empty_text()?;
        check_user(prefix).map_err(|error| node.report(error.to_string(), "choose another prefix")).ok()?;
        Some(prefix.to_owned())
    });
    let max_lifetime = lifetime(&fields, HOUR..=366 * DAY, SERVICE_ACCOUNTS);
    Some(ServiceAccounts { user_prefix: user_prefix?, max_lifetime: max_lifetime? })
}

fn lifetime(fields: &Fields<'_>, range: RangeInclusive<Duration>, default: Duration) -> Option<Duration> {
    fields.get("maxLifetime").map_or(Some(default), |node| node.duration(range))
}

/// Reports names of people that could be a service account's. A provider without a prefix is no mistake here: names of
/// its people that begin so get no token ([`MintError::ReservedUser`](crate::token::MintError)).
pub(super) fn check_apart(
    root: &Node<'_>,
    pomerium: &Pomerium,
    providers: &[Provider],
    workloads: &[workload::Settings],
    accounts: &[Account],
) {
    const REMEDY: &str = "choose another `pomerium.serviceAccounts.userPrefix`, such as \"sa:\"";
    let Some(ServiceAccounts { user_prefix, .. }) = &pomerium.service_accounts else {
        return;
    };
    let of_providers = providers.iter().map(|Provider { id, user_prefix, .. }| (id, user_prefix));
    let of_workloads = workloads.iter().map(|workload::Settings { id, user_prefix, .. }| (id, user_prefix));
    for (id, other) in of_providers.chain(of_workloads) {
        let collide = other.starts_with(user_prefix.as_str()) || user_prefix.starts_with(other.as_str());
        if collide && !other.is_empty() {
            root.report(format!("{id:?} and service accounts can have the same names"), REMEDY);
        }
    }
    if let Some(account) = accounts.iter().find(|account| account.user.starts_with(user_prefix.as_str())) {
        root.report(format!("the account {:?} could be a service account", account.user), REMEDY);
    }
}

/// Whether an account may be called so, after the prefix.
pub(crate) fn is_account_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && !name.contains(':') && identity_name::check(name).is_ok()
}
