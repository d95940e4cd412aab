//! What the access log says of a decision.

use std::rc::Rc;

use super::message;
use crate::request::Attributes;

/// What the access log says of a decision. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// `allow`, `deny`, `unauthenticated`, `local` or `error`.
    pub decision: &'static str,
    /// A stable kebab-case word: why.
    pub reason: &'static str,
    /// The rule that allowed or denied.
    pub rule: String,
    /// The rule that would have denied, were it not only on trial.
    pub would_deny: String,
    /// The cluster.
    pub cluster: String,
    /// The real person's user name.
    pub user: String,
    /// The groups that the API server sees, joined by commas: the person's own, or those that they assume.
    pub groups: String,
    /// The person as rules see them, as JSON: with it a decision can be replayed under another policy.
    pub person: Rc<str>,
    /// The session.
    pub session: String,
    /// The elevations in force, joined by commas.
    pub elevation: String,
    /// The user that `kubectl --as` assumes.
    pub assumed_user: String,
    /// The verb.
    pub verb: String,
    /// API group and resource with its subresource: `apps/deployments/scale`.
    pub resource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Record {
    /// Takes over what is asked for.
    pub(super) fn describe(&mut self, attributes: &Attributes<'_>) {
        self.verb = attributes.verb.to_string();
        self.resource = message::resource_of(attributes);
        attributes.namespace.clone_into(&mut self.namespace);
        self.name = attributes.name.to_string();
    }
}
