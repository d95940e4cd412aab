//! The names that two providers give may not collide: else somebody of one provider could have the
//! name, or a group, of somebody of another.
//!
//! A provider can give any name that begins with its prefix. So of two providers neither prefix may
//! begin with the other, and no name of a built-in account may begin with a provider's prefix. An
//! empty prefix begins every name.

use kubegate_core::document::Node;

use super::providers::{GroupSource, Provider};
use crate::accounts::Account;

const REMEDY: &str = "give each provider a `userPrefix` and a `groupPrefix` of its own, such as \"corp:\"";

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
