//! `accounts`: people with a password in the configuration.

use kubegate_core::document::{Fields, Node};
use kubegate_core::identity_name;
use kubegate_core::secret::Secret;

use super::each;
use crate::accounts::{Account, check_hash};
use crate::person::check_user;

const HASH_REMEDY: &str = "make it with `kubegate-control-plane hash-password`";

/// The fields of this section.
const FIELDS: [&str; 5] = ["user", "passwordHash", "groups", "email", "uid"];

/// Reads `accounts`.
pub(super) fn read(node: &Node<'_>) -> Option<Vec<Account>> {
    let mut users = Vec::new();
    each(node, |node| {
        let account = one(node)?;
        if users.contains(&account.user) {
            node.report(format!("there are two accounts of {:?}", account.user), "keep one of the two");
            return None;
        }
        users.push(account.user.clone());
        Some(account)
    })
}

fn one(node: &Node<'_>) -> Option<Account> {
    let fields = node.fields(&FIELDS)?;
    let user = fields.require("user").and_then(|node| user(&node));
    let password_hash = fields.require("passwordHash").and_then(|node| {
        let hash = node.text()?;
        check_hash(hash).map_err(|error| node.report(error.to_string(), HASH_REMEDY)).ok()?;
        Some(Secret::from(hash))
    });
    let groups = fields.get("groups").map_or(Some(Vec::new()), |node| each(&node, name));
    let email = optional(&fields, "email");
    let uid = optional(&fields, "uid");
    Some(Account { user: user?, password_hash: password_hash?, groups: groups?, email: email?, uid: uid? })
}

fn user(node: &Node<'_>) -> Option<String> {
    let user = node.text()?;
    check_user(user).map_err(|error| node.report(error.to_string(), "choose another user name")).ok()?;
    Some(user.to_owned())
}

fn name(node: &Node<'_>) -> Option<String> {
    let name = node.text()?;
    identity_name::check(name).map_err(|error| node.report(error.to_string(), "choose another name")).ok()?;
    Some(name.to_owned())
}

/// `Some(None)` when the field is absent, `None` when it is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn optional(fields: &Fields<'_>, field: &str) -> Option<Option<String>> {
    match fields.get(field) {
        Some(node) => name(&node).map(Some),
        None => Some(None),
    }
}
