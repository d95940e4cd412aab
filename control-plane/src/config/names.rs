//! The names that two providers give may not collide: else somebody of one provider could have the
//! name, or a group, of somebody of another.
//!
//! A provider can give any name that begins with its prefix. So of two providers neither prefix may
//! begin with the other, and no name of a built-in account may begin with a provider's prefix. An
//! empty prefix begins every name. Issuers of workloads' tokens are held to the same.

use kubegate_core::document::Node;

use super::issuer::Issuer;
use super::providers::{GroupSource, Provider};
use crate::accounts::Account;
use crate::workload::{IssuedBy, Settings};

const REMEDY: &str = "give each provider a `userPrefix` and a `groupPrefix` of its own, such as \"corp:\"";

const AUDIENCE: &str = "give it an audience of its own, such as https://kubegate.example.com/workloads/ID";

/// Reports every pair of providers whose names may collide.
pub(super) fn check_apart(root: &Node<'_>, providers: &[Provider], accounts: &[Account]) {
    for (position, one) in providers.iter().enumerate() {
        for other in providers.iter().skip(position + 1) {
            let groups = [one, other].into_iter().all(gives_groups);
            let prefixes = [
                ("users", true, &one.user_prefix, &other.user_prefix),
                ("groups", groups, &one.group_prefix, &other.group_prefix),
            ];
            for (what, given, first, second) in prefixes {
                if given && (first.starts_with(second.as_str()) || second.starts_with(first.as_str())) {
                    let (one, other) = (&one.id, &other.id);
                    root.report(
                        format!("the {what} of the providers {one:?} and {other:?} can have the same names"),
                        REMEDY,
                    );
                }
            }
        }
        check_accounts(root, one, accounts);
    }
}

/// Whether a provider gives groups at all; one that gives none needs no prefix for them.
fn gives_groups(provider: &Provider) -> bool {
    provider.groups != GroupSource::None
}

fn check_accounts(root: &Node<'_>, provider: &Provider, accounts: &[Account]) {
    let id = &provider.id;
    let user = accounts.iter().map(|account| &account.user).find(|user| user.starts_with(&provider.user_prefix));
    if let Some(user) = user {
        root.report(format!("the provider {id:?} can give the name of the account {user:?} to somebody else"), REMEDY);
    }
    let mut groups = accounts.iter().flat_map(|account| &account.groups);
    if let Some(group) = groups.find(|group| gives_groups(provider) && group.starts_with(&provider.group_prefix)) {
        root.report(format!("the provider {id:?} can give the accounts' group {group:?} to somebody else"), REMEDY);
    }
}

/// Reports whatever could make a workload pass for somebody else, or a person's token for a workload's.
pub(super) fn check_workloads(
    root: &Node<'_>,
    own: &Issuer,
    workloads: &[Settings],
    providers: &[Provider],
    accounts: &[Account],
) {
    for (position, workload) in workloads.iter().enumerate() {
        let id = &workload.id;
        check_tokens(root, own, workload, providers);
        let others = providers
            .iter()
            .map(|provider| {
                let groups = gives_groups(provider).then_some(&provider.group_prefix);
                ("provider", &provider.id, &provider.user_prefix, groups)
            })
            .chain(
                workloads
                    .iter()
                    .skip(position + 1)
                    .map(|other| ("workload issuer", &other.id, &other.user_prefix, Some(&other.group_prefix))),
            );
        for (kind, other, user_prefix, group_prefix) in others {
            let users = [("users", &workload.user_prefix, user_prefix)];
            let groups = group_prefix.map(|other| ("groups", &workload.group_prefix, other));
            for (what, first, second) in users.into_iter().chain(groups) {
                if first.starts_with(second.as_str()) || second.starts_with(first.as_str()) {
                    root.report(
                        format!(
                            "the {what} of the workload issuer {id:?} and the {kind} {other:?} can have the same names"
                        ),
                        REMEDY,
                    );
                }
            }
        }
        let users = accounts.iter().map(|account| ("account", &account.user));
        let groups = accounts.iter().flat_map(|account| &account.groups).map(|group| ("accounts' group", group));
        for ((what, name), prefix) in
            users.map(|user| (user, &workload.user_prefix)).chain(groups.map(|group| (group, &workload.group_prefix)))
        {
            if name.starts_with(prefix.as_str()) {
                root.report(
                    format!("the workload issuer {id:?} can give the name of the {what} {name:?} to somebody else"),
                    REMEDY,
                );
            }
        }
    }
}

/// People's tokens have our client id for their audience, so no workload's may; and ours are no workload's.
fn check_tokens(root: &Node<'_>, own: &Issuer, workload: &Settings, providers: &[Provider]) {
    let Settings { id, audience, .. } = workload;
    if let Some(provider) = providers.iter().find(|provider| provider.id == *id) {
        root.report(
            format!("the workload issuer {id:?} has the id of the provider {:?}", provider.name),
            "choose another",
        );
    }
    if let Some(provider) = providers.iter().find(|provider| provider.client_id == *audience) {
        root.report(
            format!(
                "the audience of the workload issuer {id:?} is our client id at the provider {:?}, so its people's ID tokens \
                 would be taken for workloads'",
                provider.id
            ),
            AUDIENCE,
        );
    }
    if audience == crate::http::CLIENT {
        root.report(format!("the audience of the workload issuer {id:?} is a client id of ours"), AUDIENCE);
    }
    if workload.issued_by == IssuedBy::Issuer(own.as_str().to_owned()) {
        root.report(
            format!("the workload issuer {id:?} is Kubegate itself"),
            "name the issuer of the workloads' tokens",
        );
    }
}
